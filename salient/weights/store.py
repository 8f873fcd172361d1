"""Networks to and from files of any kind; the weights in the box; what a checkpoint is."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from salient.data.transforms import RESIZE
from salient.files import check_tensors, read_tensors, write_whole
from salient.model.encoder import Encoder
from salient.model.network import SaliencyNetwork
from salient.weights import modelscope

IN_THE_BOX = Path(__file__).parent / "box" / "lite.safetensors"


def save_network(
    network: SaliencyNetwork,
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    half: bool = False,
) -> Path:
    """Write weights, the network's config, package versions and `metadata` as safetensors.

    `half` stores the weights in 16 bits (fp16); a network loaded from them computes in 32. The file
    is written beside its name and then moved, so that it is whole or absent.
    """
    path = Path(path)
    content = {"format": "salient", "network": network.config, "versions": package_versions()}
    content |= dict(metadata or {})
    strings = {k: v if isinstance(v, str) else json.dumps(v) for k, v in content.items()}
    state = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    write_whole(path, save(state, strings))
    return path


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    names = ("torch", "torchvision", "timm", "pytorch-lightning", "albumentations", "numpy")
    installed = {name: version(name) for name in names if find_spec(name.replace("-", "_"))}
    return {"python": platform.python_version()} | installed


def load_network(path: str | Path, device: str | torch.device = "cpu") -> SaliencyNetwork:
    """A network in eval mode from a file of any kind that holds one, told apart by content.

    Our own safetensors; `last.ckpt` of a run (its averaged weights); ModelScope's
    `pytorch_model.bin`, or the folder of its model, whose `config.py` gives mean, deviation and
    size; its pictures are resized by Pillow's filter. Nothing in a file is executed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another kind of file, or one whose tensors do not fit; names the first.
    """
    path = Path(path)
    options: dict[str, Any] = {"resize": "pillow"}
    if path.is_dir():
        options |= modelscope.read_config(path / "config.py")
        path = path / "pytorch_model.bin"
    state, metadata = read_tensors(path)
    if modelscope.MARK in state:
        network = SaliencyNetwork(Encoder("res2net50d"), **options)
        state = modelscope.convert(state)
    elif metadata.get("format") == "salient":
        config = json.loads(metadata["network"])
        network = SaliencyNetwork(Encoder(config.pop("encoder")), **config)
        if network.resize not in RESIZE:
            raise ValueError(f"{path}: resize {network.resize!r} is none of {', '.join(RESIZE)}")
        state = {key.removeprefix("network."): value for key, value in state.items()}
    else:
        raise ValueError(
            f"{path}: neither a checkpoint of this project nor ModelScope's "
            f"({modelscope.MARK} is missing); its first key is {next(iter(state))}"
        )
    check_tensors(state, network.state_dict(), str(path))
    network.load_state_dict(state)
    return network.eval().to(device)


def read_metadata(path: str | Path) -> dict[str, str]:
    """The strings that `save_network` stored beside the weights; empty for other files."""
    return read_tensors(path)[1]


def find_checkpoint(path: str | Path | None = None, folder: str | Path = "checkpoints") -> Path:
    """`path` itself; or the newest safetensors file that `train.py` published in `folder`; or else
    the weights in the box.

    Raises:
        FileNotFoundError: there is nothing at `path`.
    """
    if path is not None:
        if not Path(path).exists():
            raise FileNotFoundError(f"checkpoint={path}: no such file or folder")
        return Path(path)
    published = Path(folder).glob("*.safetensors")
    return max(published, key=lambda file: file.stat().st_mtime, default=IN_THE_BOX)


def describe(path: str | Path) -> str:
    """What a checkpoint is: its kind, hash, size, and what its metadata tells, a line each."""
    file = Path(path) / "pytorch_model.bin" if Path(path).is_dir() else Path(path)
    network = load_network(path)
    metadata = read_metadata(file)
    origin = "by this project" if metadata else "of ModelScope's"
    weights = sum(parameter.numel() for parameter in network.parameters())
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    lines = [f"{file}: a checkpoint {origin}", f"sha256: {digest}"]
    lines += [f"weights: {weights / 1e6:.2f} M", f"network: {json.dumps(network.config)}"]
    known = ("format", "network")
    return "\n".join(lines + [f"{k}: {v}" for k, v in metadata.items() if k not in known])


def convert(
    checkpoint: str | Path,
    output: str | Path,
    half: bool = False,
    size: int | None = None,
    resize: str | None = None,
    add: Mapping[str, Any] | None = None,
) -> Path:
    """Write a checkpoint of any kind in this project's format; its metadata goes along.

    Args:
        checkpoint: a file or folder as `load_network` takes it.
        output: the safetensors file to write.
        half: weights in 16 bits.
        size: detect at another size in pixels, a multiple of 32.
        resize: resize pictures by another filter of `salient.data.transforms.RESIZE`.
        add: metadata to add or replace.

    Raises:
        ValueError: a size that is no positive multiple of 32, or no such filter. And as
            `load_network`.
    """
    network, source = load_network(checkpoint), Path(checkpoint)
    if resize not in (None, *RESIZE):
        raise ValueError(f"resize: {resize!r} is not valid; there are {', '.join(RESIZE)}")
    network.set_input(network.size if size is None else size, resize or network.resize)
    metadata: dict[str, Any] = dict(read_metadata(source) if source.is_file() else {})
    metadata.pop("network", None)  # its size may be another now
    metadata = metadata or {"source": source.name}
    return save_network(network, output, metadata | dict(add or {}), half)
