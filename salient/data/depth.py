"""One value of white for a whole folder of maps or masks with more than 8 bits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from salient.data.colours import find_white
from salient.data.images import read_header, read_range
from salient.devices import in_parallel


def deep_files(files: Sequence[Path]) -> list[Path]:
    """The files that are grey with more than 8 bits, by their headers."""
    return [file for file, deep in zip(files, in_parallel(_is_deep, files)) if deep]


def common_white(deep: Sequence[Path], title: str) -> float | None:
    """The value of white for all of these files, from their largest value.

    A dark map is not stretched because it has no bright pixel, and a folder of floats does not
    count as bytes because a filter overshot 1. A warning gives the value.

    Args:
        deep: pictures with more than 8 bits; None is returned if there are none.
        title: a name for them in messages.

    Raises:
        ValueError: a file is not a readable picture, or its values have no known scale.
    """
    if not deep:
        return None
    ranges = list(in_parallel(read_range, deep))
    high, float_of = max(high for high, _ in ranges), any(mode == "F" for _, mode in ranges)
    white = find_white(high, "F" if float_of else "I")
    if white is None:
        raise ValueError(
            f"{title}: the largest value is {high:g}, of an unknown scale; set white=VALUE"
        )
    warnings.warn(
        f"{title}: {len(deep)} files have more than 8 bits; their largest value is {high:g}, so "
        f"{white:g} counts as white (white=VALUE sets another)",
        stacklevel=2,
    )
    return white


def _is_deep(file: Path) -> bool:
    with file.open("rb") as stream:
        start = stream.read(25)
    if len(start) == 25 and start.startswith(b"\x89PNG") and start[24] <= 8:  # as most maps
        return False
    return read_header(file).deep
