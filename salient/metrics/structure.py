"""The S-measure of Fan et al., "Structure-measure: A New Way to Evaluate Foreground Maps", 2017."""

import math

import numpy as np

from salient.metrics.kernels import compiled
from salient.metrics.measured import EPS, Counts, Floats, Measured

ALPHA = 0.5  # weight of the object-level term, equation 8


def structure_measure(measured: Measured) -> float:
    """The S-measure, 0..1 (Fan et al. 2017, equation 8).

    An empty mask gives 1 - mean prediction, a full one the mean prediction; never below 0.
    """
    background, foreground = measured.totals
    share = measured.foreground_size / measured.size
    if share in (0, 1):
        mean = float((background + foreground) @ measured.value) / measured.size
        return mean if share else 1 - mean
    inside = object_score(foreground, measured.value)
    outside = object_score(background, 1 - measured.value)
    objects = share * inside + (1 - share) * outside
    return max(0.0, ALPHA * objects + (1 - ALPHA) * region_score(measured))


def object_score(counts: Counts, value: Floats) -> float:
    """The object-level similarity of a region, 0..1 (Fan et al. 2017, equation 5).

    The deviation has ddof 1, and is 0 for one pixel.

    Args:
        counts: int64 256, the region's pixels by byte, at least one.
        value: float64 256, what each byte stands for.
    """
    size = int(counts.sum())
    mean = float(counts @ value) / size
    deviation = math.sqrt(float(counts @ (value - mean) ** 2) / max(size - 1, 1))
    return 2 * mean / (mean**2 + 1 + deviation + EPS)


def region_score(measured: Measured) -> float:
    """The area-weighted similarity of the four quadrants (Fan et al. 2017, equation 4).

    Quadrants of no area are left out (the centroid lies in the last row or column; PySODMetrics
    gives NaN there).
    """
    score = 0.0
    for quadrant, sums in enumerate(quadrant_sums(measured.counts, measured.value).tolist()):
        background, foreground, levels = sums[-3:]
        if background + foreground == 0:
            continue
        if (background and foreground) or levels > 1:
            similarity = quadrant_similarity(*sums[:-1])
        else:
            similarity = constant_similarity(measured, quadrant)
        score += (background + foreground) / measured.size * similarity
    return score


@compiled
def quadrant_sums(counts: Counts, value: Floats) -> Floats:
    """What `quadrant_similarity` takes and the number of levels: float64 4,7.

    Args:
        counts: int64 4,2,256, see `Measured`.
        value: float64 256, what each byte stands for.
    """
    sums = np.zeros((4, 7))
    for quadrant in range(4):
        total = 0.0
        for side in range(2):
            for byte in range(value.size):
                count = counts[quadrant, side, byte]
                sums[quadrant, 4 + side] += count
                sums[quadrant, 6] += count > 0
                total += count * value[byte]
        mean = total / max(sums[quadrant, 4] + sums[quadrant, 5], 1.0)
        sums[quadrant, 0] = mean
        for side in range(2):
            for byte in range(value.size):
                first = counts[quadrant, side, byte] * (value[byte] - mean)
                sums[quadrant, 1] += first * (value[byte] - mean)
                sums[quadrant, 2 + side] += first
    return sums


def quadrant_similarity(
    x: float, squares: float, outside: float, inside: float, background: float, foreground: float
) -> float:
    """The SSIM of one quadrant without its stabilising constants (Fan et al. 2017, eq. 2).

    Args:
        x: mean prediction of the quadrant.
        squares: sum of (prediction - x)^2.
        outside: sum of prediction - x over its background.
        inside: sum of prediction - x over its foreground.
        background: its number of background pixels.
        foreground: its number of foreground pixels.
    """
    size = background + foreground
    y, divisor = foreground / size, size - 1 + EPS
    variances = (squares + foreground * (1 - y) ** 2 + background * y**2) / divisor
    covariance = (inside * (1 - y) - outside * y) / divisor
    alpha, beta = 4 * x * y * covariance, (x**2 + y**2) * variances
    if alpha != 0:
        return alpha / (beta + EPS)
    return 1.0 if beta == 0 else 0.0


def constant_similarity(measured: Measured, quadrant: int) -> float:
    """The SSIM where prediction and mask are both constant: 1 if the mean is the constant.

    In exact arithmetic it always is. The published rule tests whether a computed variance is zero,
    so a mean that rounds away from the constant scores 0. To reproduce the published numbers, the
    mean is computed over the pixels like in the reference.
    """
    rows, columns = measured.split
    vertical = slice(rows, None) if quadrant >= 2 else slice(None, rows)
    horizontal = slice(columns, None) if quadrant % 2 else slice(None, columns)
    value = measured.value[measured.prediction][vertical, horizontal]
    return 1.0 if value.mean() == value[0, 0] else 0.0
