"""Read masks, and check whether they look like masks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from salient.arrays import Mask
from salient.data.images import read_layers, read_mask
from salient.data.pairs import Pair, first_few
from salient.data.transforms import MASK_THRESHOLD

LOOKED_AT = 48  # masks of a set, evenly spread, that are checked before it is used
BETWEEN = slice(32, 224)  # levels that are neither background nor foreground

# What may be wrong with masks. A set is suspicious if this holds for half of the checked masks.
SUSPICIONS = {
    "inverted": "mostly foreground, up to the borders: inverted?",
    "continuous": "many pixels between black and white: pictures and masks swapped?",
    "alpha": "an alpha channel, which is not read: does it hold the mask?",
}


class Look(NamedTuple):
    """The findings on one mask.

    Attributes:
        levels: which of 256 grey levels occur in it, bool 256.
        empty, full: whether no pixel, or every pixel, is above its threshold.
        suspicions: keys of SUSPICIONS.
    """

    levels: NDArray[np.bool_]
    empty: bool
    full: bool
    suspicions: frozenset[str]


def read_truth(pair: Pair) -> Mask:
    """A pair's mask uint8 H,W, with foreground above MASK_THRESHOLD. Raises as `read_mask`."""
    mask = read_mask(pair.mask, pair.white, pair.turn)
    if pair.threshold == MASK_THRESHOLD:
        return mask
    return np.where(mask > pair.threshold, 255, 0).astype(np.uint8)


def look_at(pair: Pair) -> Look:
    """Check a pair's mask. Raises as `read_mask`."""
    grey, alpha = read_layers(pair.mask, pair.white, pair.turn)
    counts = np.bincount(grey.ravel(), minlength=256)
    above = counts[pair.threshold + 1 :].sum() / grey.size
    between = counts[BETWEEN].sum() / grey.size
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]) > pair.threshold
    constant = np.count_nonzero(counts) == 1
    found = {
        "inverted": 0.5 < above < 1 and border.mean() > 0.9,
        "continuous": between > 0.5,
        "alpha": alpha is not None and np.ptp(alpha) > 0 and (constant or between > 0.05),
    }
    suspicions = frozenset(name for name, suspected in found.items() if suspected)
    return Look(counts > 0, bool(above == 0), bool(above == 1), suspicions)


def check_masks(pairs: Sequence[Pair], title: str) -> None:
    """Check some masks of a set before it is used; warn of suspicious ones, in one line each.

    Raises:
        ValueError: all masks of the set are empty above their threshold. And as `read_mask`.
    """
    sample = pairs[:: -(-len(pairs) // LOOKED_AT)]
    with ThreadPoolExecutor() as pool:
        looks = list(pool.map(look_at, sample))
    empty = [pair.name for pair, look in zip(sample, looks) if look.empty]
    if len(empty) == len(sample) and all(look_at(pair).empty for pair in pairs):
        raise ValueError(all_empty(title, len(pairs), pairs[0].threshold, looks))
    seen = f"{title}: of {len(sample)} masks looked at,"
    remedy = f"salient doctor reads all {len(pairs)}"
    if empty:
        level = pairs[0].threshold
        message = f"{seen} {len(empty)} are empty above {level}: {first_few(empty)}; {remedy}"
        warnings.warn(message, stacklevel=2)
    for name in suspected(looks):
        count = sum(name in look.suspicions for look in looks)
        warnings.warn(f"{seen} {count} have {SUSPICIONS[name]} {remedy}", stacklevel=2)


def suspected(looks: Sequence[Look]) -> list[str]:
    """The suspicions that hold for at least half of the masks."""
    return [
        name
        for name in SUSPICIONS
        if 2 * sum(name in look.suspicions for look in looks) >= max(len(looks), 1)
    ]


def all_empty(title: str, count: int, threshold: int, looks: Sequence[Look]) -> str:
    """The message if all masks of a set are empty, with the values in them and the remedy."""
    levels = np.flatnonzero(np.any([look.levels for look in looks], axis=0))
    values = ", ".join(map(str, levels[:8])) + (f" ... {levels[-1]}" if len(levels) > 8 else "")
    said = f"{title}: all {count} masks are empty above {threshold}: they hold {values}"
    if "alpha" in suspected(looks):
        return f"{said}; they have {SUSPICIONS['alpha']} Save that as the mask"
    if len(levels) == 1:
        return f"{said} and nothing else; are these the masks?"
    remedy = int(levels[0]) if len(levels) <= 8 else int(levels[-1]) // 2
    return (
        f"{said}; what is above {remedy} is foreground with mask_threshold: {remedy} in the set's "
        f"YAML, or dataset.folder.mask_threshold={remedy}"
    )


def check_maps(maps: Sequence[Path], title: str) -> None:
    """Warn if saved maps of a set are cut-outs: their colours would be scored as saliency."""
    sample = maps[:: -(-len(maps) // LOOKED_AT)]
    with ThreadPoolExecutor() as pool:
        layers = [alpha for _, alpha in pool.map(read_layers, sample) if alpha is not None]
    cutouts = sum(int(np.ptp(alpha) > 0) for alpha in layers)
    if 2 * cutouts >= len(sample):
        warnings.warn(
            f"{title}: {cutouts} of {len(sample)} maps checked in {maps[0].parent} are "
            "transparent; are they cut-outs? Colours are scored, not transparency",
            stacklevel=2,
        )
