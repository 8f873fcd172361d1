"""One prediction and its mask -> numbers; pure functions.

`measure_pair` counts a pair at every threshold; each figure is a function of what it found. The
conventions are those of the authors' MATLAB code and of PySODMetrics 1.6.2, which
the tests compare with.
"""

from typing import NamedTuple

import numpy as np

from salient.metrics.compiled import LEVELS, compiled
from salient.metrics.counted import EPS, Bytes, CountedPair, Counts, Floats, count_pair

F_BETA_SQUARED = 0.3  # Achanta et al. 2009, section 4.3
THRESHOLD = 128  # of the figures of a binary map
TIE = 1e-9  # rounding may decide on which side of a threshold a level lies that is nearer than this


class Measured(NamedTuple):
    """One pair at every threshold, from which each figure is computed.

    Curves are float64 256, indexed by the threshold t = 0..255: positive where level >= t.

    Attributes:
        pair: the prediction and its mask, counted.
        true_positives, false_positives: curves, pixels.
        precision, recall, f: curves, 0..1.
        e: curve of the E-measure, 0..N/(N-1) for N pixels.
        adaptive_f, adaptive_e: F and E at the threshold twice the mean saliency.
    """

    pair: CountedPair
    true_positives: Floats
    false_positives: Floats
    precision: Floats
    recall: Floats
    f: Floats
    e: Floats
    adaptive_f: float
    adaptive_e: float


def measure_pair(prediction: Bytes, mask: Bytes, *, normalize: bool = True) -> Measured:
    """Count one prediction against its mask, both uint8 H x W, and threshold it at every level.

    What the arguments mean, and the errors raised: `count_pair`.
    """
    pair = count_pair(prediction, mask, normalize=normalize)
    at_levels, adaptive = positives(pair), adaptive_positives(pair)
    true, false = np.hstack([at_levels, adaptive])  # 257 thresholds, the adaptive one last
    precision, recall = precision_recall(true, false, pair.foreground_size)
    f = f_measure(precision, recall)
    e = enhanced_alignment(true, false, pair.foreground_size, pair.size)
    return Measured(
        pair=pair,
        true_positives=true[:LEVELS],
        false_positives=false[:LEVELS],
        precision=precision[:LEVELS],
        recall=recall[:LEVELS],
        f=f[:LEVELS],
        e=e[:LEVELS],
        adaptive_f=float(f[LEVELS]),
        adaptive_e=float(e[LEVELS]),
    )


def mean_absolute_error(pair: CountedPair) -> float:
    """Return the mean of |prediction - mask|, 0..1 (Perazzi et al. 2012, equation 11)."""
    background, foreground = pair.totals
    return float(background @ pair.value + foreground @ (1 - pair.value)) / pair.size


def intersection_over_union(measured: Measured) -> float:
    """Return the intersection over union of the map's levels >= 128 and the mask, 0..1.

    The Jaccard index (Everingham et al. 2010, PASCAL VOC, section 4.2) for one class and picture;
    1 where both are empty.
    """
    union = measured.pair.foreground_size + measured.false_positives[THRESHOLD]
    return float(measured.true_positives[THRESHOLD] / union) if union else 1.0


def balanced_error_rate(measured: Measured) -> float:
    """Return the balanced error rate at level 128, 0..1, less is better.

    The mean of the shares of foreground and of background that are missed (Vicente et al. 2016,
    "Large-scale training of shadow detectors", section 5; there over a set and in per cent). A mask
    without one of the two counts the other alone.
    """
    foreground = measured.pair.foreground_size
    background = measured.pair.size - foreground
    missed = foreground - measured.true_positives[THRESHOLD]
    rates = [(missed, foreground), (measured.false_positives[THRESHOLD], background)]
    shares = [float(wrong / pixels) for wrong, pixels in rates if pixels]
    return sum(shares) / len(shares)


def positives(pair: CountedPair) -> Floats:
    """Return the numbers of true and false positives, float64 2 x 256.

    The entry t counts the pixels whose level floor(255 p) is at least t, t = 0..255.
    """
    return count_positives(pair.totals, pair.value)


@compiled
def count_positives(totals: Counts, value: Floats) -> Floats:
    """As `positives`, from the fields of a `CountedPair`; values rise with the byte."""
    reached = np.zeros((2, LEVELS))
    for side in range(2):
        byte, above = LEVELS - 1, 0
        for t in range(LEVELS - 1, -1, -1):
            while byte >= 0 and int(value[byte] * (LEVELS - 1)) >= t:
                above += totals[1 - side, byte]
                byte -= 1
            reached[side, t] = above
    return reached


def adaptive_positives(pair: CountedPair) -> Floats:
    """Return the numbers of true and false positives, float64 2 x 1, at the adaptive threshold.

    Positive is a prediction >= min(2 * mean prediction, 1) (Achanta et al. 2009, equation 7).
    """
    occurs = pair.totals.any(axis=0)
    mean = float(pair.totals.sum(axis=0) @ pair.value) / pair.size
    if (np.abs(pair.value[occurs] - 2 * mean) < TIE).any():
        mean = float(pair.value[pair.prediction].mean())  # rounds as the reference does
    passes = pair.value >= min(2 * mean, 1.0)
    return np.asarray(pair.totals[::-1, passes].sum(axis=1, keepdims=True), dtype=np.float64)


def precision_recall(true: Floats, false: Floats, foreground_size: int) -> tuple[Floats, Floats]:
    """Return precision and recall of binary maps, shaped like the arguments.

    No positive at all gives precision 0, an empty mask recall 0.

    Args:
        true: numbers of true positives, float64, any shape.
        false: numbers of false positives, of the same shape.
        foreground_size: foreground pixels of the mask.
    """
    return np.asarray(true / np.maximum(true + false, 1)), true / max(foreground_size, 1)


def f_measure(precision: Floats, recall: Floats) -> Floats:
    """Return F with beta^2 = 0.3, 0 where both are 0 (Achanta et al. 2009, equation 6)."""
    numerator = (1 + F_BETA_SQUARED) * precision * recall
    denominator = np.where(numerator == 0, 1.0, F_BETA_SQUARED * precision + recall)
    return np.asarray(numerator / denominator)


@compiled
def enhanced_alignment(true: Floats, false: Floats, foreground_size: int, size: int) -> Floats:
    """Return the E-measure of binary maps, shaped like the arguments (Fan et al. 2018, eqs. 2-5).

    The alignment has one value for each case of predicted/true background/foreground, so the sum
    over pixels is a sum over four counts. An empty mask counts the predicted background, a full one
    the predicted foreground. The divisor is the authors' N - 1 + eps: a perfect map gives
    N / (N - 1), and 1 / eps where N is 1.

    Args:
        true: numbers of true positives, float64 n.
        false: numbers of false positives, float64 n.
        foreground_size: foreground pixels of the mask.
        size: pixels of the mask, N.
    """
    aligned = np.empty(true.size)
    inside, outside = 1 - foreground_size / size, -foreground_size / size  # mask less its mean
    for t in range(true.size):
        predicted = true[t] + false[t]
        missed = foreground_size - true[t]
        if foreground_size == 0:
            total = size - predicted
        elif foreground_size == size:
            total = predicted
        else:
            hit, passed = 1 - predicted / size, -predicted / size  # prediction less its mean
            total = true[t] * alignment(hit, inside) + false[t] * alignment(hit, outside)
            rest = size - predicted - missed
            total += missed * alignment(passed, inside) + rest * alignment(passed, outside)
        aligned[t] = total / (size - 1 + EPS)
    return aligned


@compiled
def alignment(p: float, g: float) -> float:
    """Return the enhanced alignment of two values less their means, 0..1 (equations 2 to 4)."""
    return (1 + 2 * p * g / (p * p + g * g + EPS)) ** 2 / 4
