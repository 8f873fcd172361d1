"""Check whether masks fit pictures as displayed or as stored: EXIF rotations are easily lost."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import cv2
import numpy as np

from salient.arrays import Mask, Picture
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.data.transforms import MASK_THRESHOLD
from salient.devices import in_parallel

LOOKED_AT = 48  # pairs with an EXIF rotation that are checked in a set
SIDE = 192  # pixels at which outlines are compared


def outline_fit(picture: Picture, mask: Mask) -> float:
    """The gradient of a picture along a mask's outline, divided by that elsewhere.

    1 if there is no outline, or if the sizes differ.
    """
    if picture.shape[:2] != mask.shape:
        return 1.0
    small = cv2.resize(
        cv2.GaussianBlur(picture, (0, 0), 1), (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )
    kernel = np.ones((3, 3), np.uint8)
    steep = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, kernel).max(2).astype(np.float64)
    inside = (cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA) > MASK_THRESHOLD) * 1
    outline = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, kernel) > 0
    return float((steep[outline].mean() + 1) / (steep.mean() + 1)) if outline.any() else 1.0


def fits_better_stored(pair: Pair) -> bool | None:
    """Whether a mask fits its picture as stored better than as rotated; None if neither does."""
    other = pair._replace(turn=not pair.turn)
    fits = {one.turn: outline_fit(read_picture(one), read_truth(one)) for one in (pair, other)}
    return None if fits[True] == fits[False] else fits[False] > fits[True]


def turn_fault(turned: int, stored: int, displayed: int, now: bool) -> str | None:
    """The message about a set with masks that contradict its `exif` setting, if they do.

    Args:
        turned: how many pictures have an EXIF rotation that their masks lack.
        stored, displayed: how many of the checked masks fit the stored picture better, or the
            rotated one.
        now: whether pictures are rotated.
    """
    wrong, right = (stored, displayed) if now else (displayed, stored)
    if wrong <= right:
        return None
    like, key = ("stored", "ignore") if now else ("displayed", "apply")
    return (
        f"{turned} pictures have an EXIF turn that their masks have not; of {stored + displayed} "
        f"looked at, {wrong} fit their masks better as {like}: exif: {key} in the set's YAML, or "
        f"dataset.folder.exif={key}"
    )


def check_turns(pairs: Sequence[Pair], title: str) -> None:
    """Warn if masks contradict the set's `exif` setting. Raises as `read_photo`."""
    turned = [pair for pair in pairs if pair.turned]
    if not turned:
        return
    answers = list(in_parallel(fits_better_stored, turned[:: -(-len(turned) // LOOKED_AT)]))
    stored, displayed = answers.count(True), answers.count(False)
    if fault := turn_fault(len(turned), stored, displayed, turned[0].turn):
        warnings.warn(f"{title}: {fault}", stacklevel=2)
