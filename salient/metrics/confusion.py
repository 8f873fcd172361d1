"""Curves of the four counts of a binary map, as PySODMetrics 1.6.2 defines them (`FmeasureV2`).

A quotient whose divisor is 0 is 0 there, and so it is here: of an empty mask the recall, and of an
empty map and mask the IoU. Each function takes counts of any shape and returns theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from salient.metrics.measured import Floats, Measured, once
from salient.metrics.thresholds import F_BETA_SQUARED


class Confusion(NamedTuple):
    """Pixels by what they are and what they are taken for, float64 of one shape."""

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
    """The share of the positives that are right."""
    return quotient(c.true_positives, c.true_positives + c.false_positives)


def recall(c: Confusion) -> Floats:
    """The share of the foreground that is found; also sensitivity, or true positive rate."""
    return quotient(c.true_positives, c.true_positives + c.false_negatives)


def specificity(c: Confusion) -> Floats:
    """The share of the background that is left alone; also true negative rate."""
    return quotient(c.true_negatives, c.true_negatives + c.false_positives)


def fall_out(c: Confusion) -> Floats:
    """The share of the background that is taken for foreground; also false positive rate."""
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
    """The overall accuracy: the share of pixels that are right."""
    return quotient(c.true_positives + c.true_negatives, sum_of(c))


def kappa(c: Confusion) -> Floats:
    """Cohen's kappa (Cohen 1960), -1..1: the accuracy above that of chance.

    PySODMetrics 1.6.2 has another one: it multiplies the predicted background by the true
    negatives and positives (`tn + tp`) where Cohen has the background.
    """
    predicted, passed = c.true_positives + c.false_positives, c.true_negatives + c.false_negatives
    inside, outside = c.true_positives + c.false_negatives, c.true_negatives + c.false_positives
    chance = quotient(predicted * inside + passed * outside, sum_of(c) ** 2)
    return quotient(accuracy(c) - chance, 1 - chance)


def balanced_error(c: Confusion) -> Floats:
    """The balanced error rate: 1 less the mean of recall and specificity."""
    return 1 - 0.5 * (recall(c) + specificity(c))


def sum_of(c: Confusion) -> Floats:
    """All pixels."""
    return c.true_positives + c.false_positives + c.false_negatives + c.true_negatives
