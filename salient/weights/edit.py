"""Edit checkpoints: convert, sharpen, average."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from salient.config import check_value
from salient.data.transforms import RESIZE
from salient.model import architecture_of
from salient.model.base import Network, Side
from salient.weights.find import read_checkpoint
from salient.weights.store import load_network, read_metadata, save_network


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
    """Write a checkpoint of any kind in this project's format, with its metadata.

    Args:
        checkpoint: a file or folder that `load_network` accepts.
        output: the safetensors file to write.
        half: store weights in 16 bits.
        size: detect at another size in pixels, a multiple of 32.
        resize: resize pictures with another filter of `salient.data.transforms.RESIZE`.
        sharpen: the factor for the map's logit, see `sharpen_map`.
        average: one or more other checkpoints of the same network, see `average_weights`.
        share: total weight of those others, in (0, 1); by default all networks count the same.
        add: metadata to add or replace.

    Raises:
        ValueError: a size that is not a multiple of 32 from 32 to 2048, an unknown filter, a factor
            not above 0, or another network. And as `load_network`.
    """
    source = read_checkpoint(checkpoint)
    network = load_network(source)
    if size is not None:
        check_value(size, Side, "size")
    if resize not in (None, *RESIZE):
        raise ValueError(f"resize: {resize!r} is not valid; there are {', '.join(RESIZE)}")
    network.set_input(network.size if size is None else size, resize or network.resize)
    others = [average] if isinstance(average, str | Path) else list(average)
    if others:
        share = len(others) / (len(others) + 1) if share is None else share
        average_weights(network, [load_network(other) for other in others], share)
    sharpen_map(network, sharpen)
    metadata: dict[str, Any] = dict(read_metadata(source))
    for key in ("architecture", "network"):  # those of the network as it is now
        metadata.pop(key, None)
    metadata = metadata or {"source": source.path.name}
    if others:
        metadata["average"] = {"files": [Path(other).name for other in others], "share": share}
    if sharpen != 1:
        metadata["sharpen"] = sharpen * float(metadata.get("sharpen", 1))
    return save_network(network, output, metadata | dict(add or {}), half)


def average_weights(network: Network, others: Sequence[Network], share: float) -> None:
    """Average weights: `1 - share` of the network plus `share` of the mean of the others.

    If all come from one start, the average is often better than each: "Model soups",
    Wortsman et al. 2022.

    Raises:
        ValueError: a share outside (0, 1), or a network with other dimensions.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be in (0, 1), got {share}")
    for other in others:
        if type(other) is not type(network):
            kinds = [architecture_of(x) for x in (other, network)]
            raise ValueError(
                f"average: {other.origin}: its architecture is {kinds[0]}, not {kinds[1]}"
            )
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


@torch.no_grad()
def sharpen_map(network: Network, factor: float) -> None:
    """Multiply the logit of a network's finest map. Above 1, greys move to black or white.

    Values above .5 stay above it. MAE and weighted F usually improve and the structure measure
    falls a little: docs/evaluate/selecting.md says how to choose.

    Raises:
        ValueError: a factor that is not above 0, or not finite; or the network names no layer that
            makes its logit.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"sharpen must be a number above 0, got {factor}")
    if factor != 1 and not network.logits:
        raise ValueError(f"sharpen: {type(network).__name__} names no layer in `logits`")
    for name in network.logits:
        for parameter in network.get_submodule(name).parameters():
            parameter.mul_(factor)
