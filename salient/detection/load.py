"""Which engine runs a checkpoint."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from salient.detection.by_onnx import OnnxEngine
from salient.detection.engine import Engine
from salient.devices import Precision, has_gpu
from salient.distribution import how_to_install
from salient.files import write_whole
from salient.weights.find import BOX, find_checkpoint

EngineName = Literal["auto", "torch", "onnx"]


def load_engine(
    path: str | Path | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    engine: EngineName = "auto",
) -> Engine:
    """The engine of a checkpoint, which is what `find_checkpoint` finds, or an ONNX file.

    `auto` is onnxruntime where a CPU is to compute in float32 and an ONNX file of the checkpoint is
    at hand, which it is for the weights in the box and for what was exported before; else PyTorch.
    `onnx` exports another checkpoint, once, into `cache_folder()`; that takes PyTorch and the extra
    `export`, and half a minute.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: the file is none, or the engine cannot do what is asked for.
        ModuleNotFoundError: a package is missing.
    """
    if engine not in ("auto", "torch", "onnx"):
        raise ValueError(f"engine: {engine!r} is not valid; use auto, torch or onnx")
    file = find_checkpoint(path)
    given = file.suffix == ".onnx"
    on_cpu = device == "cpu" or (device == "auto" and (given or not has_gpu()))
    if engine == "onnx" or given:
        if not on_cpu or precision not in ("auto", "fp32") or engine == "torch":
            remedy = "give another checkpoint" if given else "use engine=torch"
            raise ValueError(
                f"engine={engine} device={device} precision={precision}: onnxruntime computes on "
                f"the CPU in fp32 here; {remedy}"
            )
        return OnnxEngine(file) if given else OnnxEngine(_exported(file), file)
    ready = _onnx_file(file) if on_cpu and precision in ("auto", "fp32") else None
    if engine == "auto" and ready and ready.is_file() and find_spec("onnxruntime"):
        return OnnxEngine(ready, file)
    try:
        from salient.detection.by_torch import load_torch_engine
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{file} needs PyTorch to run; {how_to_install('torch')}", name=error.name
        ) from error
    return load_torch_engine(file, device, precision)


def cache_folder() -> Path:
    """Where ONNX files of other checkpoints are kept: `$XDG_CACHE_HOME/salient`, or `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "salient"


def _onnx_file(checkpoint: Path) -> Path:
    """Where the ONNX file of a checkpoint is, if it is there: beside it in the box, or cached."""
    if checkpoint.parent == BOX:
        return checkpoint.with_suffix(".onnx")
    digest = hashlib.sha256(b"1")  # the version of what is exported
    for file in sorted(checkpoint.iterdir()) if checkpoint.is_dir() else [checkpoint]:
        if file.suffix in ("", ".safetensors", ".ckpt", ".bin", ".pth", ".pt", ".py"):
            digest.update(file.read_bytes())
    return cache_folder() / f"{digest.hexdigest()[:32]}.onnx"


def _exported(checkpoint: Path) -> Path:
    """The ONNX file of a checkpoint, made if it is not there."""
    file = _onnx_file(checkpoint)
    if not file.is_file():
        from salient.weights.onnx_file import write_onnx
        from salient.weights.store import load_network

        print(f"exporting {checkpoint} for onnxruntime, once: {file}")
        write_whole(file, write_onnx(load_network(checkpoint)))
    return file
