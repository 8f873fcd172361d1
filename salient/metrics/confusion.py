"""Curves of the four counts of a binary map, as PySODMetrics 1.6.2 defines them (`FmeasureV2`).

As there, a quotient with a divisor of 0 is 0: the recall of an empty mask, and the IoU of an empty
map and mask. Each function takes counts of any shape and returns an array of that shape.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from salient.metrics.measured import Floats, Measured, once
from salient.metrics.thresholds import F_BETA_SQUARED


class Confusion(NamedTuple):
    """Numbers of pixels by truth and prediction, float64 of one shape."""

    true_positives: Floats
    false_positives: Floats
    false_negatives: Floats
    true_negatives: Floats


def confusion_of(true: Floats, false: Floats, foreground_size: int, size: int) -> Confusion:
    """The four counts, from the positives and the numbers of pixels."""
    return Confusion(true, false, foreground_size - true, size - foreground_size - false)


@once
def confusion(measured: Measured) -> Confusion:
    """The four counts of a pair at its 258 thresholds."""
    true, false = measured.true_positives, measured.false_positives
    return confusion_of(true, false, measured.foreground_size, measured.size)


def quotient(numerator: Floats, divisor: Floats) -> Floats:
    """The quotient, 0 where the divisor is 0."""
    zero = divisor == 0
    return np.where(zero, 0.0, numerator / np.where(zero, 1.0, divisor))


def precision(c: Confusion) -> Floats:
    """The fraction of the positives that are right."""
    return quotient(c.true_positives, c.true_positives + c.false_positives)


def recall(c: Confusion) -> Floats:
    """The fraction of the foreground that is found; also sensitivity, or true positive rate."""
    return quotient(c.true_positives, c.true_positives + c.false_negatives)


def specificity(c: Confusion) -> Floats:
    """The fraction of the background that is predicted as such; also true negative rate."""
    return quotient(c.true_negatives, c.true_negatives + c.false_positives)


def fall_out(c: Confusion) -> Floats:
    """The fraction of the background predicted as foreground; also false positive rate."""
    return quotient(c.false_positives, c.true_negatives + c.false_positives)


def f_measure(c: Confusion) -> Floats:
    """F with beta^2 = 0.3 (Achanta et al. 2009, equation 6)."""
    p, r = precision(c), recall(c)
    return quotient((F_BETA_SQUARED + 1) * p * r, F_BETA_SQUARED * p + r)


def dice(c: Confusion) -> Floats:
    """The Dice coefficient (Dice 1945), F with beta = 1."""
    positives = c.true_positives + c.false_positives
    return quotient(2 * c.true_positives, c.true_positives + c.false_negatives + positives)


def jaccard(c: Confusion) -> Floats:
    """The intersection over union (Jaccard 1901)."""
    union = c.true_positives + c.false_positives + c.false_negatives
    return quotient(c.true_positives, union)


def accuracy(c: Confusion) -> Floats:
    """The overall accuracy: the fraction of pixels that are right."""
    return quotient(c.true_positives + c.true_negatives, sum_of(c))


def kappa(c: Confusion) -> Floats:
    """Cohen's kappa (Cohen 1960), -1..1: the accuracy above that of chance.

    PySODMetrics 1.6.2 differs: it multiplies the predicted background by the true negatives and
    positives (`tn + tp`), where Cohen's formula has the background.
    """
    predicted, passed = c.true_positives + c.false_positives, c.true_negatives + c.false_negatives
    inside, outside = c.true_positives + c.false_negatives, c.true_negatives + c.false_positives
    chance = quotient(predicted * inside + passed * outside, sum_of(c) ** 2)
    return quotient(accuracy(c) - chance, 1 - chance)


def balanced_error(c: Confusion) -> Floats:
    """The balanced error rate: 1 minus the mean of recall and specificity."""
    return 1 - 0.5 * (recall(c) + specificity(c))


def sum_of(c: Confusion) -> Floats:
    """All pixels."""
    return c.true_positives + c.false_positives + c.false_negatives + c.true_negatives
