"""Size-invariant figures: Li et al., "Size-invariance Matters", ICML 2024; each object counts once.

As in PySODMetrics 1.6.2, an object is a 4-connected part of the mask with 50 pixels or more, or the
largest parts if none is that large. An object is scored in its bounding box; outside the box, map
and mask count as 0. The value of a pair is the mean over its objects.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from salient.metrics import kernels
from salient.metrics.confusion import Confusion, confusion_of
from salient.metrics.error import mean_absolute_error
from salient.metrics.kernels import MASK_THRESHOLD
from salient.metrics.measured import (
    TIE,
    Counts,
    Measured,
    count_positives,
    once,
    plain,
)

SMALLEST = 50  # pixels of an object


class Part(NamedTuple):
    """An object's bounding box as slices, and int64 2,256: its pixels by side and byte."""

    box: tuple[slice, slice]
    totals: Counts


@once
def parts(measured: Measured) -> list[Part]:
    """The objects of a mask with the pixels of their boxes; none where the mask is empty."""
    import cv2  # only here, so that other figures do not wait for it

    foreground = (measured.mask > MASK_THRESHOLD).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(foreground, connectivity=4)
    areas = boxes[1:, cv2.CC_STAT_AREA]
    if not areas.size:
        return []
    found = []
    for x, y, width, height, area in boxes[1:].tolist():
        if area >= min(SMALLEST, areas.max()):
            box = slice(y, y + height), slice(x, x + width)
            inside = plain(measured.prediction[box]), plain(measured.mask[box])
            found.append(Part(box, kernels.joint_histogram(*inside, height, width).sum(axis=0)))
    return found


@once
def confusions(measured: Measured) -> list[Confusion]:
    """The four counts at the 258 thresholds of each object."""
    return [_confusion(measured, part) for part in parts(measured)]


def _confusion(measured: Measured, part: Part) -> Confusion:
    totals, value, size = part.totals, measured.value, measured.size
    outside = size - int(totals.sum())
    mean = float(totals.sum(axis=0) @ value) / size
    if (np.abs(value[totals.any(axis=0)] - 2 * mean) < TIE).any():
        whole = np.zeros(measured.mask.shape)
        whole[part.box] = value[measured.prediction[part.box]]
        mean = float(whole.mean())  # rounds like the reference
    threshold = min(2 * mean, 1.0)
    others = np.stack(
        [totals[::-1, passes].sum(axis=1) for passes in (value >= threshold, value > 0.5)], axis=1
    ).astype(np.float64)
    others[1, 0] += outside if threshold <= 0 else 0
    levels = count_positives(totals, value)
    levels[1, 0] += outside  # level 0 is reached everywhere
    true, false = np.hstack([levels, others])
    return confusion_of(true, false, int(totals[1].sum()), size)


def size_invariant_error(measured: Measured) -> float:
    """The size-invariant mean absolute error, 0..1, over the boxes of the objects and the rest.

    The rest counts as much as its area in units of boxes. An empty mask gives the mean absolute
    error.
    """
    objects = parts(measured)
    if not objects:
        return mean_absolute_error(measured)
    value = measured.value
    rest = np.ones(measured.mask.shape, bool)
    for part in objects:
        rest[part.box] = False
    area = int(rest.sum())
    ratio = area / (measured.size - area)
    total = 0.0
    if area:
        truth = measured.mask[rest] > MASK_THRESHOLD
        total = ratio * float(np.abs(value[measured.prediction[rest]] - truth).sum()) / area
    for _, totals in objects:
        total += float(totals[0] @ value + totals[1] @ (1 - value)) / int(totals.sum())
    return total / (len(objects) + ratio)
