"""Read, write and describe checkpoints. `edit` changes them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from salient.config import check_config
from salient.data.transforms import RESIZE
from salient.distribution import package_versions
from salient.files import printable, write_whole
from salient.model import ARCHITECTURES, architecture_of
from salient.model.base import Network
from salient.model.u2net import U2Net
from salient.tensors import check_finite, check_tensors, read_tensors
from salient.weights import modelscope, u2net
from salient.weights.find import BOX, MODELSCOPE, Checkpoint, read_checkpoint

FIRST = "boundary"  # the architecture of a checkpoint that names none
DESCRIBED = ("format", "architecture", "network", "crc32")  # printed by `describe` in other lines


def save_network(
    network: Network,
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    half: bool = False,
    replace: bool = True,
) -> Path:
    """Write weights, architecture, dimensions, package versions and `metadata` as safetensors.

    `half` stores the weights in 16 bits (fp16); a network loaded from them computes in 32 bits. The
    file is written completely or not at all. It has a checksum of the weights, which `load_network`
    compares.

    Raises:
        ValueError: a weight is not finite, or not in 16 bits; or the network's class is not in
            `salient.model.ARCHITECTURES`.
        FileExistsError: there is such a file, and `replace` is False.
        OSError: the file cannot be written.
    """
    path = Path(path)
    state = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    check_finite(state, f"{path} is not written")
    content: dict[str, Any] = {"format": "salient", "architecture": architecture_of(network)}
    content |= {"network": network.config, "versions": package_versions()}
    content |= dict(metadata or {}) | {"crc32": checksum(state)}
    strings = {k: v if isinstance(v, str) else json.dumps(v) for k, v in content.items()}
    return write_whole(path, save(state, strings), replace=replace)


def checksum(state: Mapping[str, Tensor]) -> str:
    """CRC-32 of all bytes of a state dict, in the order of the names, as eight hex digits."""
    crc = 0
    for key in sorted(state):
        tensor = state[key].contiguous().reshape(-1)
        crc = zlib.crc32(tensor.view(torch.uint8).numpy().data, zlib.crc32(key.encode(), crc))
    return f"{crc:08x}"


def load_network(path: str | Path | Checkpoint, device: str | torch.device = "cpu") -> Network:
    """Load a network in eval mode from a checkpoint of any kind, recognised by its content.

    - Our own safetensors files, or a hub's folder that holds one.
    - `last.ckpt` of a run: its averaged weights.
    - ModelScope's `pytorch_model.bin`, or the folder of its model with `config.py`, which has mean,
      deviation and size. Pictures are resized with Pillow's filter.
    - `u2net.pth` and `u2netp.pth` of U-2-Net's authors.

    Nothing in a file is executed. Everything is checked before a network is built, so a file cannot
    ask for more memory than its own tensors take.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is of another kind or damaged, or its tensors do not fit or are not
            finite; the message names the first.
    """
    checkpoint = read_checkpoint(path)
    path, found = checkpoint.file, dict[str, Any]()
    if checkpoint.path.is_dir() and path.name == MODELSCOPE:
        found = modelscope.read_config(checkpoint.path / "config.py")
    state, metadata = read_tensors(path, checkpoint.content)
    if modelscope.MARK in state:
        architecture, config = "boundary", modelscope.DIMENSIONS | found
        state = modelscope.convert(state)
    elif u2net.MARK in state:
        architecture, config = "u2net", u2net.dimensions(state, path)
        state = u2net.convert(state)
    elif "salient" in (metadata.get("format"), metadata.get("library")):
        if metadata.get("crc32", checksum(state)) != checksum(state):
            raise ValueError(f"{path}: damaged: the weights are not those that were saved")
        architecture, config = metadata.get("architecture", FIRST), _read_config(metadata, path)
        state = {key.removeprefix("network."): value for key, value in state.items()}
    else:
        raise ValueError(
            f"{path}: neither a checkpoint of this project nor ModelScope's ({modelscope.MARK} is "
            f"missing) nor U-2-Net's; its first key is {next(iter(state), 'none')}"
        )
    network = _build(architecture, config, state, path)
    network.origin = f"{path}, {network.size} px, {_origin(path, metadata, network)}"
    return network.eval().to(device)


def _read_config(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    try:
        config = json.loads(metadata["network"])
    except (KeyError, ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise ValueError(f"{path}: damaged: its metadata does not describe a network")
    return config


def _build(
    architecture: str, config: dict[str, Any], state: Mapping[str, Tensor], path: Path
) -> Network:
    """Build the network of a file: check values first, then shapes, then allocate memory."""
    if architecture not in ARCHITECTURES:
        names = ", ".join(ARCHITECTURES)
        raise ValueError(f"{path}: unknown architecture {architecture!r:.80}; there are {names}")
    build = ARCHITECTURES[architecture]
    try:
        check_config(config, build.Dimensions)
        with torch.device("meta"):
            network = build(**config)
        if network.resize not in RESIZE:
            raise ValueError(f"resize: {network.resize!r:.80} is none of {', '.join(RESIZE)}")
    except Exception as error:  # whatever a foreign file provokes
        raise ValueError(f"{path}: its network: {error}") from error
    check_tensors(state, network.state_dict(), str(path))
    network = build(**config)
    network.load_state_dict(state)
    check_finite(network.state_dict(), str(path))
    return network


def _origin(path: Path, metadata: Mapping[str, str], network: Network) -> str:
    """Where a file comes from, in a few words."""
    if path.resolve().parent == BOX:
        return f"the bundled weights {path.stem!r}"
    if not metadata:
        return "U-2-Net's" if isinstance(network, U2Net) else "ModelScope's"
    if "name" in metadata:
        return printable(
            f"trained as {metadata['name']:.40} on {metadata.get('pairs', '?'):.9} pairs"
        )
    return "of a run" if "pytorch-lightning_version" in metadata else "written by this project"


def read_metadata(path: str | Path | Checkpoint) -> dict[str, str]:
    """The strings that `save_network` stored with the weights; empty for other files."""
    checkpoint = read_checkpoint(path)
    return read_tensors(checkpoint.file, checkpoint.content)[1]


def describe(path: str | Path | Checkpoint) -> str:
    """Describe a checkpoint: its origin, its hash and its metadata, one line each."""
    checkpoint = read_checkpoint(path)
    network, metadata = load_network(checkpoint), read_metadata(checkpoint)
    weights = sum(parameter.numel() for parameter in network.parameters())
    lines = [network.origin, f"sha256: {checkpoint.sha256}"]
    lines += [f"weights: {weights / 1e6:.2f} M", f"architecture: {architecture_of(network)}"]
    lines += [f"network: {json.dumps(network.config)}"]
    lines += [f"{k}: {v}" for k, v in metadata.items() if k not in DESCRIBED]
    return "\n".join(map(printable, lines))
