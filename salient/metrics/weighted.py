"""The weighted F-measure of Margolin, Zelnik-Manor and Tal, "How to evaluate foreground maps?", CVPR 2014."""

import math

import cv2
import numpy as np

from salient.metrics.histogram import Bytes, CountedPair, Floats

EPS = float(np.spacing(1.0))
RADIUS = 3  # of the 7 x 7 Gaussian, pixels
SIGMA = 5.0  # pixels
HALF_DISTANCE = (
    5.0  # pixels over which a false alarm's discount halves; equation 11's alpha = ln(0.5) / 5
)


def weighted_f_measure(pair: CountedPair) -> float:
    """Return the weighted F, beta^2 = 1, 0..1 (Margolin et al. 2014, equations 12 to 14); 0 for an empty mask."""
    count = pair.foreground_size
    if count == 0:
        return 0.0
    background = 1 - pair.foreground
    distance = cv2.distanceTransform(background, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    value = pair.value[pair.prediction]
    missed = foreground_error(pair, value, distance)
    outside = pair.foreground == 0
    weight = 2 - np.exp(math.log(0.5) / HALF_DISTANCE * distance[outside].astype(np.float64))
    false = float(value[outside] @ weight)
    recall = 1 - missed / count
    precision = (count - missed) / (count - missed + false + EPS)
    return 2 * recall * precision / (recall + precision + EPS)


def foreground_error(pair: CountedPair, value: Floats, distance: Floats) -> float:
    """Return the sum over the foreground of min(E, smoothed E) (Margolin et al. 2014, equations 8 to 10)."""
    inside = pair.foreground != 0
    error = np.zeros(value.shape)
    error[inside] = 1 - value[inside]
    fill_from_nearest(error, pair.foreground, distance)
    kernel = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
    kernel /= kernel.sum()
    smoothed = cv2.sepFilter2D(error, cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    return float(np.minimum(error, smoothed)[inside].sum())


def fill_from_nearest(error: Floats, foreground: Bytes, distance: Floats) -> None:
    """Give each background pixel the kernel can reach the error of its nearest foreground pixel, in place.

    Among nearest pixels at one distance the smallest column wins, then the smallest row (SciPy's order).
    """
    height, width = foreground.shape
    squared = np.rint(distance.astype(np.float64) ** 2).astype(np.int64)
    farthest = 2 * RADIUS**2
    reach = range(-math.isqrt(farthest), math.isqrt(farthest) + 1)
    steps: dict[int, list[tuple[int, int]]] = {}
    for dx in reach:
        for dy in reach:
            if 0 < dx * dx + dy * dy <= farthest:
                steps.setdefault(dx * dx + dy * dy, []).append((dx, dy))
    for length, offsets in steps.items():
        y, x = np.nonzero(squared == length)
        for dx, dy in offsets:
            row, column = y + dy, x + dx
            valid = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            hit = np.zeros(y.size, dtype=bool)
            hit[valid] = foreground[row[valid], column[valid]] != 0
            error[y[hit], x[hit]] = error[row[hit], column[hit]]
            y, x = y[~hit], x[~hit]
