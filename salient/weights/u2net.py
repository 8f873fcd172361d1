"""Read the checkpoints of U-2-Net's authors, `u2net.pth` and `u2netp.pth`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

MARK = "stage1.rebnconvin.conv_s1.weight"  # a file with this name is theirs
# The number of a block's deepest convolution, by its stage.
_DEEPEST = {"1": 7, "2": 6, "3": 5, "4": 4, "5": 4, "6": 4}
_LAYER = re.compile(r"stage(\d)(d?)\.rebnconv(in|\d)(d?)\.(conv|bn)_s1\.(.+)")
_SIDE = re.compile(r"side(\d)\.(.+)")


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict with our names. Other names are kept, for `check_tensors` to refuse."""
    return {_rename(key): value for key, value in state.items()}


def dimensions(state: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """Dimensions of `salient.model.u2net` from the shapes of their tensors.

    Raises:
        ValueError: a tensor that is needed for this is missing or not a convolution's.
    """

    def widths(name: str, stages: int, ending: str) -> list[int]:
        keys = [name.format(stage=f"{k}{ending}") for k in range(1, stages + 1)]
        for key in keys:
            if key not in state or state[key].dim() != 4:
                raise ValueError(f"{path}: damaged: {key} is missing or not a convolution")
        return [len(state[key]) for key in keys]

    inner, outer = "stage{stage}.rebnconv1.conv_s1.weight", "stage{stage}.rebnconvin.conv_s1.weight"
    return {
        "inner": widths(inner, 6, ""),
        "outer": widths(outer, 6, ""),
        "inner_up": widths(inner, 5, "d"),
        "outer_up": widths(outer, 5, "d"),
        "resize": "pillow",  # of Pillow's filters the nearest to scikit-image's, which they use
    }


def _rename(key: str) -> str:
    if layer := _LAYER.fullmatch(key):
        stage, up, number, rises, kind, leaf = layer.groups()
        if number == "in":
            place = "enter"
        elif number == str(_DEEPEST[stage]):
            place = "bottom"
        else:
            place = f"{'up' if rises else 'down'}.{int(number) - 1}"
        return f"{'up' if up else 'down'}.{int(stage) - 1}.{place}.{kind}.{leaf}"
    if side := _SIDE.fullmatch(key):
        return f"side.{int(side[1]) - 1}.{side[2]}"
    return key.replace("outconv.", "fuse.")
