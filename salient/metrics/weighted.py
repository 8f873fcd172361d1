"""The weighted F-measure of Margolin et al., "How to Evaluate Foreground Maps?", CVPR 2014."""

import math

import numpy as np

from salient.metrics import kernels
from salient.metrics.measured import EPS, Counts, Floats, Measured

SIGMA = 5.0  # of the 7 x 7 Gaussian, pixels
HALVING = 5.0  # pixels over which the discount of a false alarm halves


def weighted_f_measure(measured: Measured) -> float:
    """The weighted F-measure, beta^2 = 1, 0..1; an empty mask gives 0.

    Margolin et al. 2014: an error on the foreground counts as the smaller of itself and its
    Gaussian mean (equations 8 and 9). In this mean, a background pixel has the error of its nearest
    foreground pixel. A false alarm d pixels from the foreground counts 2 - 2^(-d / 5)
    (equation 11). Precision, recall and F follow (equations 12 to 14).
    """
    count = measured.foreground_size
    if count == 0:
        return 0.0
    low, high = measured.ends
    error = kernels.foreground_error(measured.prediction, measured.mask, high)
    discounted = kernels.background_pass(
        measured.prediction, measured.mask, low, DISCOUNT, STEPS, STARTS, error
    )
    missed = kernels.foreground_pass(error, measured.mask, KERNEL) / (high - low)
    false = 2 * float(measured.totals[0] @ measured.value) - discounted / (high - low)
    recall = 1 - missed / count
    precision = (count - missed) / (count - missed + false + EPS)
    return 2 * recall * precision / (recall + precision + EPS)


def half_gaussian() -> Floats:
    """Centre and one side of the 1-d Gaussian of sum 1, float64 RADIUS + 1."""
    offsets = np.arange(-kernels.RADIUS, kernels.RADIUS + 1)
    kernel = np.exp(-(offsets**2) / (2 * SIGMA**2))
    return np.ascontiguousarray((kernel / kernel.sum())[kernels.RADIUS :])


def discounts() -> Floats:
    """2^(-d / 5) by squared distance d^2: float64 FARTHEST^2 + 1."""
    squared = np.arange(kernels.FARTHEST**2 + 1)
    return np.asarray(np.exp(math.log(0.5) / HALVING * np.sqrt(squared)))


def nearest_steps() -> tuple[Counts, Counts]:
    """The steps to a nearest pixel and where each squared length starts among them.

    Returns:
        steps: int64 n,2 (dx, dy), by squared length 0..NEAR; of one length the smallest column
            first, then the smallest row, as SciPy's distance transform decides ties.
        starts: int64 NEAR + 2; steps[starts[d] : starts[d + 1]] have the squared length d.
    """
    reach = range(-math.isqrt(kernels.NEAR), math.isqrt(kernels.NEAR) + 1)
    steps = sorted((dx * dx + dy * dy, dx, dy) for dx in reach for dy in reach)
    table = np.array([step for step in steps if step[0] <= kernels.NEAR], dtype=np.int64)
    starts = np.searchsorted(table[:, 0], np.arange(kernels.NEAR + 2))
    return np.ascontiguousarray(table[:, 1:]), starts.astype(np.int64)


KERNEL, DISCOUNT = half_gaussian(), discounts()
STEPS, STARTS = nearest_steps()
