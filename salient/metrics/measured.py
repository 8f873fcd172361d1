"""A prediction measured against its mask: every figure is a function of this record.

A saved prediction has 256 levels, so the joint histogram (quadrant x background/foreground x byte)
contains everything that MAE, S, E, F, precision and recall need. They are sums over 256 bins
instead of loops over pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from salient.metrics import kernels
from salient.metrics.kernels import LEVELS, compiled

T = TypeVar("T")
Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
EPS = float(np.spacing(1.0))  # MATLAB's eps, 2**-52
ADAPTIVE = LEVELS  # index of the adaptive threshold, after the 256 levels
HALF = LEVELS + 1  # index of the threshold p > 0.5
TIE = 1e-9  # nearer to a threshold than this, rounding decides on which side a level is


@dataclass(frozen=True, eq=False)
class Measured:
    """Counts of a prediction and its mask at 258 thresholds.

    The thresholds are the levels t = 0..255 (positive where floor(255 p) >= t), then `ADAPTIVE`
    (p >= min(2 * mean p, 1); Achanta et al. 2009, equation 7) and `HALF` (p > 0.5).

    Attributes:
        prediction, mask: uint8 H,W, unchanged; foreground is mask > 128.
        counts: int64 4,2,256: pixels by quadrant (left top, right top, left bottom, right bottom),
            by background/foreground and by the prediction's byte.
        totals: int64 2,256: the same without the quadrants.
        foreground_size: number of foreground pixels.
        split: (rows, columns) of the left top quadrant.
        ends: the bytes that stand for saliency 0 and 1.
        value: float64 256: the saliency in [0, 1] that each byte stands for.
        true_positives, false_positives: float64 258: pixels, by the threshold.
        kept: results cached by `once`.
    """

    prediction: Bytes
    mask: Bytes
    counts: Counts
    totals: Counts
    foreground_size: int
    split: tuple[int, int]
    ends: tuple[int, int]
    value: Floats
    true_positives: Floats
    false_positives: Floats
    kept: dict[Any, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of pixels, H * W."""
        return self.mask.size


def measure_pair(prediction: Bytes, mask: Bytes, *, normalize: bool = True) -> Measured:
    """Measure one prediction against its mask.

    Args:
        prediction: uint8 H,W, 0..255.
        mask: uint8 H,W; foreground is > 128.
        normalize: stretch the prediction to [0, 1] by its own minimum and maximum (a constant map
            stays byte / 255), as the authors' MATLAB code does; False leaves byte / 255.

    Raises:
        ValueError: not uint8, not H,W, of different sizes, or without pixels.
    """
    check_pair(prediction, mask)
    prediction, mask = plain(prediction), plain(mask)
    foreground_size, rows, columns = kernels.foreground_moments(mask)
    split = centroid_split(foreground_size, rows, columns, mask.shape)
    counts = kernels.joint_histogram(prediction, mask, *split)
    totals = counts.sum(axis=0)
    present = np.flatnonzero(totals.any(axis=0))
    ends = (0, LEVELS - 1)
    if normalize and present.size > 1:
        ends = (int(present[0]), int(present[-1]))
    value = byte_values(*ends)
    passing = (adaptive_bytes(prediction, totals, value), value > 0.5)
    others = np.stack([totals[::-1, passes].sum(axis=1) for passes in passing], axis=1)
    true, false = np.hstack([count_positives(totals, value), others.astype(np.float64)])
    return Measured(
        prediction, mask, counts, totals, foreground_size, split, ends, value, true, false
    )


def once(function: Callable[[Measured], T]) -> Callable[[Measured], T]:
    """Cache a function of a measured pair, which several figures may read."""

    @wraps(function)
    def keeping(measured: Measured) -> T:
        if function not in measured.kept:
            measured.kept[function] = function(measured)
        result: T = measured.kept[function]
        return result

    return keeping


def check_pair(prediction: Bytes, mask: Bytes) -> None:
    """Raise ValueError unless both are uint8 H,W of one size with at least one pixel."""
    for name, array in (("prediction", prediction), ("mask", mask)):
        if array.dtype != np.uint8:
            raise ValueError(f"{name} has dtype {array.dtype}; give uint8 with values 0..255")
        if array.ndim != 2:
            raise ValueError(f"{name} has shape {array.shape}; give one grey map of H x W")
    if prediction.shape != mask.shape:
        raise ValueError(
            f"prediction is {prediction.shape} and mask {mask.shape} (H, W); resize the "
            "prediction to its mask (bilinear, in float) before rounding it to uint8"
        )
    if mask.size == 0:
        raise ValueError(f"prediction and mask have no pixels: their shape is {mask.shape}")


def plain(array: Bytes) -> Bytes:
    """A contiguous read-only view or copy: one array type, one compilation."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def centroid_split(count: int, rows: int, columns: int, shape: tuple[int, ...]) -> tuple[int, int]:
    """(rows, columns) of the left top quadrant; all of shape (H, W) for an empty mask.

    The split follows the foreground's centroid (Fan et al. 2017, section 3.1), 0-based, rounded
    half to even, plus 1: the authors' MATLAB ranges include their end.

    Args:
        count: number of foreground pixels.
        rows: sum of their rows.
        columns: sum of their columns.
        shape: H, W.
    """
    if count == 0:
        return shape[0], shape[1]
    return round(rows / count) + 1, round(columns / count) + 1


def byte_values(low: int, high: int) -> Floats:
    """The saliency of every byte, float64 256, where low stands for 0 and high for 1.

    The order of the operations is the reference's, so that 255 * value truncates to the same
    level. Bytes beyond low and high, which do not occur, are clipped to [0, 1].
    """
    value = np.arange(LEVELS) / (LEVELS - 1)
    return np.asarray((value - value[low]) / (value[high] - value[low])).clip(0.0, 1.0)


@compiled
def count_positives(totals: Counts, value: Floats) -> Floats:
    """The numbers of true and false positives at the 256 levels, float64 2,256.

    Args:
        totals: int64 2,256: pixels by background/foreground and byte.
        value: float64 256: the saliency of each byte, rising with it.
    """
    reached = np.zeros((2, LEVELS))
    for side in range(2):
        byte, above = LEVELS - 1, 0
        for t in range(LEVELS - 1, -1, -1):
            while byte >= 0 and int(value[byte] * (LEVELS - 1)) >= t:
                above += totals[1 - side, byte]
                byte -= 1
            reached[side, t] = above
    return reached


def adaptive_bytes(prediction: Bytes, totals: Counts, value: Floats) -> npt.NDArray[np.bool_]:
    """Which of the 256 bytes are positive at the adaptive threshold, min(2 * mean, 1)."""
    mean = float(totals.sum(axis=0) @ value) / prediction.size
    if (np.abs(value[totals.any(axis=0)] - 2 * mean) < TIE).any():
        mean = float(value[prediction].mean())  # rounds as the reference does
    return np.asarray(value >= min(2 * mean, 1.0))
