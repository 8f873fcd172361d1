"""Choose the engine for a checkpoint."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast, get_args

from salient.detection.any_onnx import load_onnx
from salient.detection.by_onnx import OnnxEngine
from salient.detection.engine import Engine
from salient.detection.fastest import fastest
from salient.detection.providers import ON_CPU, Providers, choose
from salient.devices import Precision, has_gpu
from salient.distribution import how_to_install
from salient.files import check_writable, write_whole
from salient.weights.find import BOX, Checkpoint, find_checkpoint, read_checkpoint

EngineName = Literal["auto", "torch", "onnx", "int8", "fastest"]
IN_FOLDER = "onnx/model.onnx"  # of a hub's folder
EXPORTED = b"2"  # the version of cached exports


def load_engine(
    path: str | Path | Checkpoint | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    engine: EngineName = "auto",
    providers: Providers | None = None,
) -> Engine:
    """The engine of a checkpoint, which is what `find_checkpoint` finds, or an ONNX file.

    - `auto`: onnxruntime, if a CPU computes in float32 and there is an ONNX file of the checkpoint:
      for the bundled weights, hubs' folders, and checkpoints that were exported before. Otherwise
      PyTorch.
    - `onnx`: any other checkpoint is exported once into `cache_folder()`. This needs PyTorch, the
      extra `export`, and half a minute.
    - `int8`: the 8-bit file of the bundled weights. Its maps differ slightly, so `auto` never uses
      it.
    - `fastest`: the faster of the 8-bit and the float32 file on this processor, measured once.
      Without an 8-bit file, or on a GPU, it is `auto`.

    `providers` makes onnxruntime compute elsewhere than on the CPU: see
    `salient.detection.providers.choose`. The engine is then `onnx`, or `int8`.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: the file is none, or the engine cannot do what is asked for.
        ModuleNotFoundError: a package is missing.
        OSError: `cache_folder()` cannot be written.
    """
    if engine not in get_args(EngineName):
        raise ValueError(f"engine: {engine!r} is not valid; use {', '.join(get_args(EngineName))}")
    file = path.path if isinstance(path, Checkpoint) else find_checkpoint(path)
    is_onnx = file.suffix == ".onnx"
    on_cpu = device == "cpu" or (device == "auto" and (is_onnx or not has_gpu()))
    chosen = ON_CPU
    if providers is not None:
        _check_providers(device, precision, engine)
        chosen, on_cpu, engine = choose(providers), True, "int8" if engine == "int8" else "onnx"
    in_int8 = file.with_suffix(".int8.onnx")
    has_int8 = file.parent == BOX and in_int8.is_file()
    if engine == "int8" and not has_int8:
        raise ValueError(
            f"engine=int8: {file} has no 8-bit file; write one with salient export "
            "output=model.onnx int8=PICTURES, and use it as the checkpoint"
        )
    if engine == "fastest":
        engine = "auto"
        if has_int8 and on_cpu and precision == "auto":
            files = {"onnx": file.with_suffix(".onnx"), "int8": in_int8}
            engine = cast(EngineName, fastest(files, cache_folder() / "fastest.json"))
    fits = on_cpu and precision in ("auto", "fp32") and engine != "torch"
    if (engine in ("onnx", "int8") or is_onnx) and not fits:
        remedy = "give another checkpoint" if is_onnx else "use engine=torch"
        raise ValueError(
            f"engine={engine} device={device} precision={precision}: onnxruntime computes on "
            f"the CPU in fp32 here; {remedy}"
        )
    if is_onnx:
        return load_onnx(file, providers=chosen)
    if engine == "int8":
        return OnnxEngine(in_int8, file, chosen)
    given = path if isinstance(path, Checkpoint) else file
    if file.parent == BOX:
        ready = file.with_suffix(".onnx")  # so the checkpoint need not be read
    elif (file / IN_FOLDER).is_file():
        ready = file / IN_FOLDER
    else:
        given = read_checkpoint(given)
        ready = _cached(given)
    if engine == "onnx" and not ready.is_file():
        _export(read_checkpoint(given), ready)
    if engine == "onnx" or (fits and ready.is_file() and find_spec("onnxruntime")):
        return OnnxEngine(ready, file, chosen)
    try:
        from salient.detection.by_torch import load_torch_engine
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{_why_torch(file, device, precision, engine)} needs PyTorch; "
            f"{how_to_install('torch')}",
            name=error.name,
        ) from error
    return load_torch_engine(read_checkpoint(given), device, precision)


def _check_providers(device: str, precision: str, engine: str) -> None:
    """Refuse what contradicts `providers`."""
    if engine == "torch" or device != "auto" or precision not in ("auto", "fp32"):
        raise ValueError(
            f"engine={engine} device={device} precision={precision}: with providers=, onnxruntime "
            "computes; leave these out (providers have options of their own)"
        )


def _why_torch(file: Path, device: str, precision: str, engine: str) -> str:
    """The reason why onnxruntime cannot be used: a key, or else the file."""
    if engine == "torch":
        return "engine=torch"
    if device not in ("auto", "cpu"):
        return f"device={device}"
    return f"precision={precision}" if precision not in ("auto", "fp32") else str(file)


def cache_folder() -> Path:
    """Where ONNX files of other checkpoints are kept: `$XDG_CACHE_HOME/salient`, or `~/.cache`.

    Raises:
        ValueError: this user has no home folder.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "salient"
    except RuntimeError as error:
        raise ValueError("no home folder for exported files; set XDG_CACHE_HOME=DIR") from error


def _cached(checkpoint: Checkpoint) -> Path:
    """The path of the ONNX file of a checkpoint, if it was exported."""
    digest = hashlib.sha256(EXPORTED + checkpoint.sha256.encode())
    config = checkpoint.path / "config.py"
    if config.is_file():  # of ModelScope's folder
        digest.update(config.read_bytes())
    return cache_folder() / f"{digest.hexdigest()[:32]}.onnx"


def _export(checkpoint: Checkpoint, file: Path) -> None:
    from salient.weights.onnx_file import write_onnx
    from salient.weights.store import load_network

    check_writable(file.parent)  # before half a minute of work
    print(f"exporting {checkpoint.path} for onnxruntime, once: {file}")
    write_whole(file, write_onnx(load_network(checkpoint)))
