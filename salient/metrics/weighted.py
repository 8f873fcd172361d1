"""The weighted F-measure of Margolin et al., "How to Evaluate Foreground Maps?", CVPR 2014."""

import math

import numpy as np

from salient.metrics import compiled
from salient.metrics.counted import EPS, CountedPair, Counts, Floats

SIGMA = 5.0  # of the 7 x 7 Gaussian, pixels
HALVING = 5.0  # pixels over which the discount of a false alarm halves


def weighted_f_measure(pair: CountedPair) -> float:
    """Return the weighted F-measure, beta^2 = 1, 0..1; an empty mask gives 0.

    Margolin et al. 2014: an error on the foreground counts as the smaller of itself and its
    Gaussian mean (equations 8 and 9), where a background pixel lends the error of its nearest
    foreground pixel; a false alarm d pixels from the foreground counts 2 - 2^(-d / 5)
    (equation 11); then precision, recall and F (equations 12 to 14).
    """
    count = pair.foreground_size
    if count == 0:
        return 0.0
    low, high = pair.ends
    error = compiled.foreground_error(pair.prediction, pair.mask, high)
    discounted = compiled.background_pass(
        pair.prediction, pair.mask, low, DISCOUNT, STEPS, STARTS, error
    )
    missed = compiled.foreground_pass(error, pair.mask, KERNEL) / (high - low)
    false = 2 * float(pair.totals[0] @ pair.value) - discounted / (high - low)
    recall = 1 - missed / count
    precision = (count - missed) / (count - missed + false + EPS)
    return 2 * recall * precision / (recall + precision + EPS)


def half_gaussian() -> Floats:
    """Return centre and one side of the 1-d Gaussian of sum 1, float64 RADIUS + 1."""
    offsets = np.arange(-compiled.RADIUS, compiled.RADIUS + 1)
    kernel = np.exp(-(offsets**2) / (2 * SIGMA**2))
    return np.ascontiguousarray((kernel / kernel.sum())[compiled.RADIUS :])


def discounts() -> Floats:
    """Return 2^(-d / 5) by squared distance d^2: float64 FARTHEST^2 + 1."""
    squared = np.arange(compiled.FARTHEST**2 + 1)
    return np.asarray(np.exp(math.log(0.5) / HALVING * np.sqrt(squared)))


def nearest_steps() -> tuple[Counts, Counts]:
    """Return the steps to a nearest pixel and where each squared length starts among them.

    Returns:
        steps: int64 n x 2 (dx, dy), by squared length 0..NEAR; of one length the smallest column
            first, then the smallest row, as SciPy's distance transform decides ties.
        starts: int64 NEAR + 2; steps[starts[d] : starts[d + 1]] have the squared length d.
    """
    reach = range(-math.isqrt(compiled.NEAR), math.isqrt(compiled.NEAR) + 1)
    steps = sorted((dx * dx + dy * dy, dx, dy) for dx in reach for dy in reach)
    table = np.array([step for step in steps if step[0] <= compiled.NEAR], dtype=np.int64)
    starts = np.searchsorted(table[:, 0], np.arange(compiled.NEAR + 2))
    return np.ascontiguousarray(table[:, 1:]), starts.astype(np.int64)


KERNEL, DISCOUNT = half_gaussian(), discounts()
STEPS, STARTS = nearest_steps()
