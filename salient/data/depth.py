"""What is white in a folder of maps or masks of more than 8 bits: one answer for all of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from salient.data.colours import find_white
from salient.data.images import read_header, read_range
from salient.devices import in_parallel


def deep_files(files: Sequence[Path]) -> list[Path]:
    """Those of the files that are grey of more than 8 bits, by their headers."""
    deep = in_parallel(lambda file: read_header(file).deep, files)
    return [file for file, is_deep in zip(files, deep) if is_deep]


def common_white(deep: Sequence[Path], title: str) -> float | None:
    """The value that is white in all of these files, from the largest value that any of them has.

    A dark map must not be stretched because it has no bright pixel, nor a folder of floats be taken
    for bytes because a filter overshot 1. A warning says what was decided.

    Args:
        deep: pictures of more than 8 bits; where there are none, the answer is None.
        title: what they are, for messages.

    Raises:
        ValueError: a file is no readable picture, or its values are of no known scale.
    """
    if not deep:
        return None
    ranges = list(in_parallel(read_range, deep))
    high, float_of = max(high for high, _ in ranges), any(mode == "F" for _, mode in ranges)
    white = find_white(high, "F" if float_of else "I")
    if white is None:
        raise ValueError(f"{title}: the largest value is {high:g}, of no known scale; white=VALUE")
    warnings.warn(
        f"{title}: {len(deep)} files have more than 8 bits, their largest value is {high:g}; so "
        f"{white:g} is white (white=VALUE says another)",
        stacklevel=2,
    )
    return white
