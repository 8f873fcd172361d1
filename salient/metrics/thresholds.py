"""Figures of the map at a threshold: precision, recall, F, E, and IoU and BER at level 128.

A curve is a function of a measured pair: float64 258 by the thresholds of `Measured`. The
conventions are those of the authors' MATLAB code and of PySODMetrics 1.6.2, which the tests compare
with.
"""

import numpy as np

from salient.metrics.kernels import compiled
from salient.metrics.measured import EPS, Floats, Measured, once

F_BETA_SQUARED = 0.3  # Achanta et al. 2009, section 4.3
THRESHOLD = 128  # of the figures of one binary map


def precision(measured: Measured) -> Floats:
    """The curve of precision, 0..1; no positive at all gives 0."""
    positives = measured.true_positives + measured.false_positives
    return np.asarray(measured.true_positives / np.maximum(positives, 1))


def recall(measured: Measured) -> Floats:
    """The curve of recall, 0..1; an empty mask gives 0."""
    return np.asarray(measured.true_positives / max(measured.foreground_size, 1))


@once
def f_measure(measured: Measured) -> Floats:
    """The curve of the F-measure, 0..1 (Achanta et al. 2009, equation 6)."""
    return f_of(precision(measured), recall(measured))


@once
def e_measure(measured: Measured) -> Floats:
    """The curve of the E-measure, 0..N / (N - 1) for N pixels (Fan et al. 2018, eqs. 2-5)."""
    true, false = measured.true_positives, measured.false_positives
    return enhanced_alignment(true, false, measured.foreground_size, measured.size)


def intersection_over_union(measured: Measured) -> float:
    """The intersection over union of the map's levels >= 128 and the mask, 0..1.

    The Jaccard index (Everingham et al. 2010, PASCAL VOC, section 4.2) for one class and picture;
    1 where both are empty.
    """
    union = measured.foreground_size + measured.false_positives[THRESHOLD]
    return float(measured.true_positives[THRESHOLD] / union) if union else 1.0


def balanced_error_rate(measured: Measured) -> float:
    """The balanced error rate at level 128, 0..1, less is better.

    The mean of the fractions of foreground and of background that are missed (Vicente et al. 2016,
    "Large-scale training of shadow detectors", section 5; there over a set and in per cent). If the
    mask has only one of the two, only that one counts.
    """
    foreground = measured.foreground_size
    background = measured.size - foreground
    missed = foreground - measured.true_positives[THRESHOLD]
    rates = [(missed, foreground), (measured.false_positives[THRESHOLD], background)]
    shares = [float(wrong / pixels) for wrong, pixels in rates if pixels]
    return sum(shares) / len(shares)


def f_of(precision: Floats, recall: Floats) -> Floats:
    """F with beta^2 = 0.3 of precisions and recalls, 0 where both are 0; of their shape."""
    numerator = (1 + F_BETA_SQUARED) * precision * recall
    denominator = np.where(numerator == 0, 1.0, F_BETA_SQUARED * precision + recall)
    return np.asarray(numerator / denominator)


@compiled
def enhanced_alignment(true: Floats, false: Floats, foreground_size: int, size: int) -> Floats:
    """The E-measure of binary maps, float64 n (Fan et al. 2018, equations 2 to 5).

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
    """The enhanced alignment of two values less their means, 0..1 (equations 2 to 4)."""
    return (1 + 2 * p * g / (p * p + g * g + EPS)) ** 2 / 4
