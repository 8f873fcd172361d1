"""Count a prediction against its mask once; every metric but the weighted F needs nothing more.

A saved prediction has 256 levels, so the joint histogram (quadrant x background/foreground x level) holds all that
MAE, S, E, F, precision and recall can see. They are then sums over 256 bins in float64 instead of passes over pixels.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

LEVELS = 256
MASK_THRESHOLD = 128  # foreground is > 128: PySODMetrics 1.6.2, prepare_data
Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class CountedPair(NamedTuple):
    """A prediction and its mask, counted.

    Attributes:
        prediction: uint8 H x W as given.
        foreground: uint8 H x W, 1 on the foreground (mask > 128), 0 elsewhere.
        counts: int64 4 x 2 x 256, pixels by quadrant (left top, right top, left bottom, right bottom), by
            background/foreground and by the prediction's byte.
        split: (rows, columns) of the left top quadrant; 0 rows where the mask is empty (no foreground to split at).
        value: float64 256, the saliency in [0, 1] that each byte stands for after normalisation.
    """

    prediction: Bytes
    foreground: Bytes
    counts: Counts
    split: tuple[int, int]
    value: Floats

    @property
    def size(self) -> int:
        """Number of pixels, H * W."""
        return self.prediction.size

    @property
    def foreground_size(self) -> int:
        """Number of foreground pixels."""
        return int(self.counts[:, 1].sum())


def check_pair(prediction: Bytes, mask: Bytes) -> None:
    """Raise ValueError unless both are uint8 H x W arrays of one size with at least one pixel."""
    for name, array in (("prediction", prediction), ("mask", mask)):
        if array.dtype != np.uint8:
            raise ValueError(f"{name} has dtype {array.dtype}; give uint8 with values 0..255")
        if array.ndim != 2:
            raise ValueError(f"{name} has shape {array.shape}; give one grey map of H x W")
    if prediction.shape != mask.shape:
        raise ValueError(
            f"prediction is {prediction.shape} and mask {mask.shape} (H, W); "
            "resize the prediction to its mask before rounding it to uint8"
        )
    if prediction.size == 0:
        raise ValueError(f"prediction and mask have no pixels: their shape is {mask.shape}")


def count_pair(prediction: Bytes, mask: Bytes, *, normalize: bool = True) -> CountedPair:
    """Count one prediction against its mask.

    Args:
        prediction: uint8 H x W, 0..255.
        mask: uint8 H x W; foreground is > 128.
        normalize: stretch the prediction's values to [0, 1] by its own minimum and maximum (a constant map stays
            value / 255), as the authors' MATLAB does; False leaves value / 255.

    Raises:
        ValueError: not uint8, not H x W, of different sizes, or without pixels.
    """
    check_pair(prediction, mask)
    foreground = (mask > MASK_THRESHOLD).astype(np.uint8)
    split = centroid_split(foreground)
    counts = joint_histogram(prediction, foreground, split)
    present = np.flatnonzero(counts.sum(axis=(0, 1)))
    value = byte_values(int(present[0]), int(present[-1]), normalize=normalize)
    return CountedPair(prediction, foreground, counts, split, value)


def byte_values(low: int, high: int, *, normalize: bool) -> Floats:
    """Return the saliency, float64 256, of every byte in a map whose smallest and largest bytes are low and high.

    The order of the operations is the reference's, so that 255 * value truncates to the same levels. Bytes outside
    low..high do not occur in the map; their entries are clipped to [0, 1].
    """
    value = np.arange(LEVELS, dtype=np.uint8) / 255
    if normalize and low != high:
        value = (value - value[low]) / (value[high] - value[low])
    return value.clip(0.0, 1.0)


def centroid_split(foreground: Bytes) -> tuple[int, int]:
    """Return (rows, columns) of the left top quadrant: the foreground's centroid, rounded half to even, plus 1.

    Fan et al. 2017, section 3.1; 0-based centroid. An empty mask gives (0, 0).
    """
    rows = foreground.sum(axis=1, dtype=np.int64)
    columns = foreground.sum(axis=0, dtype=np.int64)
    total = int(rows.sum())
    if total == 0:
        return 0, 0
    y = int(rows @ np.arange(rows.size)) / total
    x = int(columns @ np.arange(columns.size)) / total
    return round(y) + 1, round(x) + 1


def joint_histogram(prediction: Bytes, foreground: Bytes, split: tuple[int, int]) -> Counts:
    """Count pixels by quadrant, background/foreground and byte: int64 4 x 2 x 256 (see CountedPair.counts)."""
    rows, columns = split
    counts = np.zeros((4, 2, LEVELS), dtype=np.int64)
    halves = (
        (slice(None, rows), slice(None, columns)),
        (slice(None, rows), slice(columns, None)),
        (slice(rows, None), slice(None, columns)),
        (slice(rows, None), slice(columns, None)),
    )
    for quadrant, area in enumerate(halves):
        if prediction[area].size:
            everything = cv2.calcHist([prediction[area]], [0], None, [LEVELS], [0, LEVELS])
            inside = cv2.calcHist([prediction[area]], [0], foreground[area], [LEVELS], [0, LEVELS])
            counts[quadrant, 1] = inside[:, 0]
            counts[quadrant, 0] = everything[:, 0] - inside[:, 0]
    return counts
