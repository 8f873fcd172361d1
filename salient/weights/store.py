"""Networks to and from files of any kind; what a checkpoint is."""

from __future__ import annotations

import hashlib
import json
import platform
import zlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from salient.config import check_config, check_value
from salient.data.transforms import RESIZE
from salient.files import check_finite, check_tensors, printable, read_tensors, write_whole
from salient.model.encoder import Encoder
from salient.model.network import SaliencyNetwork, Side
from salient.weights import modelscope
from salient.weights.find import BOX


def save_network(
    network: SaliencyNetwork,
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    half: bool = False,
    replace: bool = True,
) -> Path:
    """Write weights, the network's config, package versions and `metadata` as safetensors.

    `half` stores the weights in 16 bits (fp16); a network loaded from them computes in 32. The file
    is written beside its name and then moved, so that it is whole or absent. A checksum of the
    weights goes along, which `load_network` compares.

    Raises:
        ValueError: a weight is not finite, or not in 16 bits.
        FileExistsError: there is such a file, and `replace` is False.
        OSError: the file cannot be written.
    """
    path = Path(path)
    state = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    check_finite(state, f"{path} is not written")
    content = {"format": "salient", "network": network.config, "versions": package_versions()}
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


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    names = ("torch", "torchvision", "timm", "pytorch-lightning", "albumentations", "numpy")
    installed = {name: version(name) for name in names if find_spec(name.replace("-", "_"))}
    return {"python": platform.python_version()} | installed


def load_network(path: str | Path, device: str | torch.device = "cpu") -> SaliencyNetwork:
    """A network in eval mode from a file of any kind that holds one, told apart by content.

    Our own safetensors; `last.ckpt` of a run (its averaged weights); ModelScope's
    `pytorch_model.bin`, or the folder of its model, whose `config.py` gives mean, deviation and
    size; its pictures are resized by Pillow's filter. Nothing in a file is executed, and nothing is
    built before all of it was checked: a file can ask for no more memory than its own tensors take.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another kind of file, a damaged one, or one whose tensors do not fit or are not
            finite; names the first.
    """
    path = Path(path)
    config: dict[str, Any] = {"encoder": "res2net50d", "resize": "pillow"}
    if path.is_dir():
        config |= modelscope.read_config(path / "config.py")
        path = path / "pytorch_model.bin"
    state, metadata = read_tensors(path)
    if modelscope.MARK in state:
        state = modelscope.convert(state)
    elif metadata.get("format") == "salient":
        if metadata.get("crc32", checksum(state)) != checksum(state):
            raise ValueError(f"{path}: damaged: the weights are not those that were saved")
        config = _read_config(metadata, path)
        state = {key.removeprefix("network."): value for key, value in state.items()}
    else:
        raise ValueError(
            f"{path}: neither a checkpoint of this project nor ModelScope's "
            f"({modelscope.MARK} is missing); its first key is {next(iter(state), 'none')}"
        )
    network = _build(config, state, path)
    network.origin = f"{path}, {network.size} px, {_origin(path, metadata)}"
    return network.eval().to(device)


def _read_config(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    try:
        config = json.loads(metadata["network"])
    except (KeyError, ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise ValueError(f"{path}: damaged: its metadata does not describe a network")
    return config


def _build(config: dict[str, Any], state: Mapping[str, Tensor], path: Path) -> SaliencyNetwork:
    """The network of a file's config and tensors: values first, then shapes, then memory."""
    try:
        encoder = config.pop("encoder", None)
        check_value(encoder, str, "encoder")
        check_config(config | {"_partial_": True}, SaliencyNetwork)
        with torch.device("meta"):
            network = SaliencyNetwork(Encoder(encoder), **config)
        if network.resize not in RESIZE:
            raise ValueError(f"resize: {network.resize!r:.80} is none of {', '.join(RESIZE)}")
    except Exception as error:  # whatever a foreign file provokes
        raise ValueError(f"{path}: its network: {error}") from error
    check_tensors(state, network.state_dict(), str(path))
    network = SaliencyNetwork(Encoder(encoder), **config)
    network.load_state_dict(state)
    check_finite(network.state_dict(), str(path))
    return network


def _origin(path: Path, metadata: Mapping[str, str]) -> str:
    """Where a file comes from, in a few words."""
    if path.resolve().parent == BOX:
        return f"the weights {path.stem!r} in the box"
    if not metadata:
        return "ModelScope's"
    if "name" in metadata:
        return printable(
            f"trained as {metadata['name']:.40} on {metadata.get('pairs', '?'):.9} pairs"
        )
    return "of a run" if "pytorch-lightning_version" in metadata else "written by this project"


def read_metadata(path: str | Path) -> dict[str, str]:
    """The strings that `save_network` stored beside the weights; empty for other files."""
    return read_tensors(path)[1]


def describe(path: str | Path) -> str:
    """What a checkpoint is: where it comes from, its hash, and its metadata, a line each."""
    file = Path(path) / "pytorch_model.bin" if Path(path).is_dir() else Path(path)
    network = load_network(path)
    metadata = read_metadata(file)
    weights = sum(parameter.numel() for parameter in network.parameters())
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    lines = [network.origin, f"sha256: {digest}"]
    lines += [f"weights: {weights / 1e6:.2f} M", f"network: {json.dumps(network.config)}"]
    lines += [f"{k}: {v}" for k, v in metadata.items() if k not in ("format", "network", "crc32")]
    return "\n".join(map(printable, lines))


def convert(
    checkpoint: str | Path,
    output: str | Path,
    half: bool = False,
    size: int | None = None,
    resize: str | None = None,
    sharpen: float = 1,
    average: str | Path | Sequence[str | Path] = (),
    share: float | None = None,
    add: Mapping[str, Any] | None = None,
) -> Path:
    """Write a checkpoint of any kind in this project's format; its metadata goes along.

    Args:
        checkpoint: a file or folder as `load_network` takes it.
        output: the safetensors file to write.
        half: weights in 16 bits.
        size: detect at another size in pixels, a multiple of 32.
        resize: resize pictures by another filter of `salient.data.transforms.RESIZE`.
        sharpen: what the map's logit is multiplied by, see `SaliencyNetwork.sharpen`.
        average: one or more other checkpoints of the same network, see `average_weights`.
        share: of those together, in (0, 1); where None, all networks have the same.
        add: metadata to add or replace.

    Raises:
        ValueError: a size that is no multiple of 32 from 32 to 2048, no such filter, a factor not
            above 0, or another network. And as `load_network`.
    """
    network, source = load_network(checkpoint), Path(checkpoint)
    if size is not None:
        check_value(size, Side, "size")
    if resize not in (None, *RESIZE):
        raise ValueError(f"resize: {resize!r} is not valid; there are {', '.join(RESIZE)}")
    network.set_input(network.size if size is None else size, resize or network.resize)
    others = [average] if isinstance(average, str | Path) else list(average)
    if others:
        share = len(others) / (len(others) + 1) if share is None else share
        average_weights(network, [load_network(other) for other in others], share)
    network.sharpen(sharpen)
    metadata: dict[str, Any] = dict(read_metadata(source) if source.is_file() else {})
    metadata.pop("network", None)  # its size may be another now
    metadata = metadata or {"source": source.name}
    if others:
        metadata["average"] = {"files": [Path(other).name for other in others], "share": share}
    if sharpen != 1:
        metadata["sharpen"] = sharpen * float(metadata.get("sharpen", 1))
    return save_network(network, output, metadata | dict(add or {}), half)


def average_weights(
    network: SaliencyNetwork, others: Sequence[SaliencyNetwork], share: float
) -> None:
    """Move the weights of a network by a share of the way to the mean of those of others.

    If all come from one start, the average is often better than each: "Model soups",
    Wortsman et al. 2022.

    Raises:
        ValueError: a share outside (0, 1), or a network that was built otherwise.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be in (0, 1), got {share}")
    for other in others:
        for key, value in network.config.items():
            if key not in ("size", "resize") and other.config[key] != value:
                raise ValueError(
                    f"average: {other.origin}: its {key} is {other.config[key]}, not {value}"
                )
    part, so_far = share / len(others), 1 - share
    for other in others:
        theirs, so_far = other.state_dict(), so_far + part
        with torch.no_grad():
            for key, tensor in network.state_dict().items():
                if tensor.is_floating_point():
                    tensor.lerp_(theirs[key], part / so_far)
