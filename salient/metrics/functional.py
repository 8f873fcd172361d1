"""One prediction and its mask -> numbers; pure functions.

Each metric takes the pair as `count_pair` counted it; `score_pair` gives them all. The conventions are those of the
authors' MATLAB code and of PySODMetrics 1.6.2, which the tests compare with.
"""

from typing import NamedTuple

import numpy as np

from salient.metrics.histogram import LEVELS, Bytes, CountedPair, Floats, count_pair
from salient.metrics.weighted import weighted_f_measure

EPS = float(np.spacing(1.0))  # MATLAB's eps, 2**-52
F_BETA_SQUARED = 0.3  # Achanta et al. 2009, section 4.3
S_ALPHA = 0.5  # Fan et al. 2017, equation 8
TIE = 1e-9  # a threshold nearer to a level than this may be decided by rounding


class PairScores(NamedTuple):
    """The figures of one pair. Curves are float64 256, indexed by the threshold t: positive where level >= t.

    Attributes:
        mae: mean absolute error, 0..1, less is better.
        sm: S-measure, 0..1.
        weighted_f: weighted F-measure, 0..1.
        adaptive_f, adaptive_e: F and E at the threshold twice the mean saliency.
        precision, recall, f: curves, 0..1.
        e: curve of the E-measure, 0..N/(N-1) for N pixels.
        resized: whether the prediction was resized to its mask's size before it was scored.
    """

    mae: float
    sm: float
    weighted_f: float
    adaptive_f: float
    adaptive_e: float
    precision: Floats
    recall: Floats
    f: Floats
    e: Floats
    resized: bool = False


def score_pair(prediction: Bytes, mask: Bytes, *, normalize: bool = True) -> PairScores:
    """Score one prediction against its mask.

    Args:
        prediction: uint8 H x W, 0..255.
        mask: uint8 H x W; foreground is > 128.
        normalize: stretch the prediction by its own minimum and maximum first; see `count_pair`.

    Raises:
        ValueError: not uint8, not H x W, of different sizes, or without pixels.
    """
    pair = count_pair(prediction, mask, normalize=normalize)
    precision, recall, f = precision_recall_f(pair)
    adaptive_f, adaptive_e = adaptive_f_and_e(pair)
    return PairScores(
        mae=mean_absolute_error(pair),
        sm=structure_measure(pair),
        weighted_f=weighted_f_measure(pair),
        adaptive_f=adaptive_f,
        adaptive_e=adaptive_e,
        precision=precision,
        recall=recall,
        f=f,
        e=enhanced_alignment_curve(pair),
    )


def mean_absolute_error(pair: CountedPair) -> float:
    """Return the mean of |prediction - mask|, 0..1 (Perazzi et al. 2012, equation 11)."""
    background, foreground = pair.counts.sum(axis=0)
    return float(background @ pair.value + foreground @ (1 - pair.value)) / pair.size


def positives(pair: CountedPair) -> tuple[Floats, Floats]:
    """Return (true, false) positives, float64 256 each: pixels whose level floor(255 p) is >= t, t = 0..255."""
    level = (pair.value * 255).astype(np.int64)
    first = np.searchsorted(
        level, np.arange(LEVELS)
    )  # the smallest byte that passes each threshold
    above = np.zeros((2, LEVELS + 1))
    above[:, :LEVELS] = pair.counts.sum(axis=0)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return above[1, first], above[0, first]


def f_measure(precision: Floats, recall: Floats) -> Floats:
    """Return F, beta^2 = 0.3, of same-shaped precision and recall; 0 where both are 0 (Achanta et al. 2009, eq. 6)."""
    numerator = (1 + F_BETA_SQUARED) * precision * recall
    return numerator / np.where(numerator == 0, 1, F_BETA_SQUARED * precision + recall)


def precision_recall_f(pair: CountedPair) -> tuple[Floats, Floats, Floats]:
    """Return the curves of precision, recall and F, float64 256 each.

    Nothing positive gives precision 0; an empty mask gives recall 0; F is 0 where there is no true positive.
    """
    true, false = positives(pair)
    precision = true / np.maximum(true + false, 1)
    recall = true / max(pair.foreground_size, 1)
    return precision, recall, f_measure(precision, recall)


def enhanced_alignment(true: Floats, false: Floats, foreground_size: int, size: int) -> Floats:
    """Return E for binary maps with these numbers of true and false positives (Fan et al. 2018, equations 2 to 5).

    The alignment takes one value for each of the four cases of predicted/true foreground/background, so that the sum
    over pixels is a sum over four counts. An empty mask counts the predicted background, a full one the predicted
    foreground. The divisor is N - 1 + eps as in the authors' code: a perfect map gives N / (N - 1), and the one map of
    one pixel that is right 1 / eps.

    Args:
        true, false: float64, any shape: numbers of pixels.
        foreground_size: foreground pixels of the mask.
        size: pixels of the mask, N.
    """
    predicted = true + false
    if foreground_size == 0:
        return (size - predicted) / (size - 1 + EPS)
    if foreground_size == size:
        return predicted / (size - 1 + EPS)
    prediction_mean, mask_mean = predicted / size, foreground_size / size
    missed = foreground_size - true
    total = np.zeros_like(predicted)
    for count, p, g in (
        (true, 1, 1),
        (false, 1, 0),
        (missed, 0, 1),
        (size - predicted - missed, 0, 0),
    ):
        from_mean_p, from_mean_g = p - prediction_mean, g - mask_mean
        align = 2 * (from_mean_p * from_mean_g) / (from_mean_p**2 + from_mean_g**2 + EPS)
        total += (align + 1) ** 2 / 4 * count
    return total / (size - 1 + EPS)


def enhanced_alignment_curve(pair: CountedPair) -> Floats:
    """Return the E-measure's curve over the thresholds, float64 256 (Fan et al. 2018)."""
    return enhanced_alignment(*positives(pair), pair.foreground_size, pair.size)


def adaptive_f_and_e(pair: CountedPair) -> tuple[float, float]:
    """Return F and E where the prediction is >= min(2 mean prediction, 1) (Achanta et al. 2009, equation 7)."""
    counts = pair.counts.sum(axis=0)
    occurs = counts.any(axis=0)
    threshold = min(2 * float(counts.sum(axis=0) @ pair.value) / pair.size, 1.0)
    if (np.abs(pair.value[occurs] - threshold) < TIE).any():
        threshold = min(
            2 * float(pair.value[pair.prediction].mean()), 1.0
        )  # rounds as the reference does
    false, true = counts[:, pair.value >= threshold].sum(axis=1, keepdims=True).astype(np.float64)
    precision = true / np.maximum(true + false, 1)
    recall = true / max(pair.foreground_size, 1)
    e = enhanced_alignment(true, false, pair.foreground_size, pair.size)
    return float(f_measure(precision, recall)[0]), float(e[0])


def structure_measure(pair: CountedPair) -> float:
    """Return the S-measure, alpha = 0.5, never below 0 (Fan et al. 2017, equation 8).

    An empty mask gives 1 - mean prediction and a full one the mean prediction.
    """
    background, foreground = pair.counts.sum(axis=0)
    share = pair.foreground_size / pair.size
    mean = float((background + foreground) @ pair.value) / pair.size
    if share == 0:
        return 1 - mean
    if share == 1:
        return mean
    objects = share * object_score(foreground, pair.value) + (1 - share) * object_score(
        background, 1 - pair.value
    )
    return max(0.0, S_ALPHA * objects + (1 - S_ALPHA) * region_score(pair))


def object_score(counts: Floats, value: Floats) -> float:
    """Return the object-level similarity of a region, 0..1 (Fan et al. 2017, equation 5, lambda = 1/2).

    Args:
        counts: 256, the region's pixels by byte, at least one.
        value: float64 256, what each byte stands for.
    """
    size = int(counts.sum())
    mean = float(counts @ value) / size
    deviation = float(np.sqrt(counts @ (value - mean) ** 2 / (size - 1))) if size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + deviation + EPS)


def region_score(pair: CountedPair) -> float:
    """Return the area-weighted SSIM of the four quadrants about the mask's centroid (Fan et al. 2017, equation 4).

    Quadrants of no area (the centroid lies in the last row or column) are left out; PySODMetrics gives NaN there.
    """
    size = pair.counts.sum(axis=(1, 2))
    score = 0.0
    for quadrant in np.flatnonzero(size):
        score += size[quadrant] / pair.size * quadrant_similarity(pair, int(quadrant))
    return score


def quadrant_similarity(pair: CountedPair, quadrant: int) -> float:
    """Return one quadrant's SSIM without stabilising constants (Fan et al. 2017, equation 2; Wang et al. 2004)."""
    background, foreground = pair.counts[quadrant]
    counts = background + foreground
    size = int(counts.sum())
    if np.count_nonzero(counts) == 1 and (not background.any() or not foreground.any()):
        return constant_similarity(pair, quadrant)
    x, y = float(counts @ pair.value) / size, int(foreground.sum()) / size
    from_mean = pair.value - x
    divisor = size - 1 + EPS
    variance_x = float(counts @ from_mean**2) / divisor
    variance_y = (int(foreground.sum()) * (1 - y) ** 2 + int(background.sum()) * y**2) / divisor
    covariance = float(foreground @ from_mean * (1 - y) - background @ from_mean * y) / divisor
    alpha = 4 * x * y * covariance
    beta = (x**2 + y**2) * (variance_x + variance_y)
    if alpha != 0:
        return alpha / (beta + EPS)
    return 1.0 if beta == 0 else 0.0


def constant_similarity(pair: CountedPair, quadrant: int) -> float:
    """Return the SSIM where prediction and mask are both constant: 1 if the mean is the constant, else 0.

    In exact arithmetic always 1. The published rule tests a computed variance for zero, so a mean that rounds away
    from the constant gives 0; to print the published numbers the mean is taken as the reference takes it.
    """
    rows, columns = pair.split
    vertical = slice(rows, None) if quadrant >= 2 else slice(None, rows)
    horizontal = slice(columns, None) if quadrant % 2 else slice(None, columns)
    value = pair.value[pair.prediction][vertical, horizontal]
    return 1.0 if value.mean() == value[0, 0] else 0.0
