"""Count a prediction against its mask once; all metrics but the weighted F need nothing more.

A saved prediction has 256 levels, so the joint histogram (quadrant x background/foreground x byte)
holds all that MAE, S, E, F, precision and recall can see: sums over 256 bins instead of passes over
pixels.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from salient.metrics import compiled
from salient.metrics.compiled import LEVELS

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
EPS = float(np.spacing(1.0))  # MATLAB's eps, 2**-52


class CountedPair(NamedTuple):
    """A prediction and its mask, counted.

    Attributes:
        prediction, mask: uint8 H x W as given; foreground is mask > 128.
        counts: int64 4 x 2 x 256, pixels by quadrant (left top, right top, left bottom, right
            bottom), by background/foreground and by the prediction's byte.
        totals: int64 2 x 256, the same without the quadrants.
        foreground_size: number of foreground pixels.
        split: (rows, columns) of the left top quadrant.
        ends: the bytes that stand for saliency 0 and 1.
        value: float64 256, the saliency in [0, 1] that each byte stands for.
    """

    prediction: Bytes
    mask: Bytes
    counts: Counts
    totals: Counts
    foreground_size: int
    split: tuple[int, int]
    ends: tuple[int, int]
    value: Floats

    @property
    def size(self) -> int:
        """Number of pixels, H * W."""
        return self.mask.size


def count_pair(prediction: Bytes, mask: Bytes, *, normalize: bool = True) -> CountedPair:
    """Count one prediction against its mask.

    Args:
        prediction: uint8 H x W, 0..255.
        mask: uint8 H x W; foreground is > 128.
        normalize: stretch the prediction to [0, 1] by its own minimum and maximum (a constant map
            stays byte / 255), as the authors' MATLAB code does; False leaves byte / 255.

    Raises:
        ValueError: not uint8, not H x W, of different sizes, or without pixels.
    """
    check_pair(prediction, mask)
    prediction, mask = plain(prediction), plain(mask)
    foreground_size, rows, columns = compiled.foreground_moments(mask)
    split = centroid_split(foreground_size, rows, columns, mask.shape)
    counts = compiled.joint_histogram(prediction, mask, *split)
    totals = counts.sum(axis=0)
    present = np.flatnonzero(totals.any(axis=0))
    ends = (0, LEVELS - 1)
    if normalize and present.size > 1:
        ends = (int(present[0]), int(present[-1]))
    value = byte_values(*ends)
    return CountedPair(prediction, mask, counts, totals, foreground_size, split, ends, value)


def check_pair(prediction: Bytes, mask: Bytes) -> None:
    """Raise ValueError unless both are uint8 H x W of one size with at least one pixel."""
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
    """Return a contiguous read-only view or copy: one array type, one compilation."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def centroid_split(count: int, rows: int, columns: int, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (rows, columns) of the left top quadrant; all of shape (H, W) for an empty mask.

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
    """Return the saliency of every byte, float64 256, where low stands for 0 and high for 1.

    The order of the operations is the reference's, so that 255 * value truncates to the same
    level. Bytes beyond low and high, which do not occur, are clipped to [0, 1].
    """
    value = np.arange(LEVELS) / (LEVELS - 1)
    return np.asarray((value - value[low]) / (value[high] - value[low])).clip(0.0, 1.0)
