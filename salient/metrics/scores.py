"""All figures of a pair, and their exact means over a set, the same in any order of the pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from salient.metrics.compiled import LEVELS
from salient.metrics.counted import Bytes, Floats
from salient.metrics.figures import CURVES, FIGURES, MAX_F, MaxF
from salient.metrics.functional import measure_pair

WORD_BITS = 32  # a sum of 2**31 words of 32 bits fits in int64
COLUMNS = len(FIGURES) + len(CURVES) * LEVELS
Words = npt.NDArray[np.int64]


class PairScores(NamedTuple):
    """What one pair scores.

    Attributes:
        figures: every figure of `FIGURES` by its key. Those that a set takes from its mean curves
            are here the picture's own: `max_f` is its best F.
        curves: every curve of `CURVES` by name, float64 256, by the threshold t = 0..255.
        resized: whether the prediction was resized to its mask before it was scored.
        empty: whether the mask has no foreground.
    """

    figures: dict[str, float]
    curves: dict[str, Floats]
    resized: bool = False
    empty: bool = False


def score_pair(prediction: Bytes, mask: Bytes, *, normalize: bool = True) -> PairScores:
    """Score one prediction against its mask.

    Args:
        prediction: uint8 H x W, 0..255.
        mask: uint8 H x W; foreground is > 128.
        normalize: stretch the prediction by its own minimum and maximum first; see `count_pair`.

    Raises:
        ValueError: not uint8, not H x W, of different sizes, or without pixels.

    Example:
        >>> mask = np.array([[0, 0, 255, 255]], np.uint8)
        >>> scores = score_pair(np.array([[0, 51, 204, 255]], np.uint8), mask)
        >>> round(scores.figures["mae"], 6), float(scores.curves["recall"][255])
        (0.1, 0.5)
    """
    measured = measure_pair(prediction, mask, normalize=normalize)
    figures = {figure.key: float(figure.of_pair(measured)) for figure in FIGURES}
    curves = {name: getattr(measured, name) for name in CURVES}
    return PairScores(figures, curves, empty=measured.pair.foreground_size == 0)


class ExactSums:
    """Sums of the scores of pairs: the same in any order, and over any division into parts.

    Each number is split into a whole part and two words of 32 bits (steps of 2**-64); sums of int64
    are exact. So one process, several with unequal parts and a shuffled set agree to the last
    digit. Holds up to 2**31 pairs.

    Attributes:
        words: int64 3 x COLUMNS: the figures in the order of `FIGURES`, then the curves.
        pairs: how many were added.
    """

    def __init__(self) -> None:
        self.words: Words = np.zeros((3, COLUMNS), np.int64)
        self.pairs = 0

    def add(self, scores: PairScores) -> None:
        """Add a pair. Raises ValueError where a number is not finite."""
        self.words = self.words + to_words(flatten(scores))
        self.pairs += 1

    def merge(self, other: ExactSums) -> None:
        """Add what another process summed."""
        self.words = self.words + other.words
        self.pairs += other.pairs

    def means(self, max_f: MaxF = "curve") -> tuple[dict[str, float], dict[str, Floats]]:
        """Return the set's figures and its mean curves, both by name.

        Raises:
            ValueError: no pair was added.
        """
        if self.pairs == 0:
            raise ValueError("no pairs were given: call update() or add() before compute()")
        return figures_of_means(exact_means(self.words, self.pairs), max_f)


def flatten(scores: PairScores) -> Floats:
    """Return a pair's figures and curves in the order of FIGURES and CURVES, float64 COLUMNS."""
    figures = [scores.figures[figure.key] for figure in FIGURES]
    return np.concatenate([figures, *(scores.curves[name] for name in CURVES)])


def to_words(values: Floats) -> Words:
    """Split values into int64 3 x n words: value = w0 + w1 / 2^32 + w2 / 2^64, 0 <= w1, w2 <= 2^32.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("a score is NaN or infinite; scores of score_pair never are")
    whole = np.floor(values)
    rest = np.ldexp(values - whole, WORD_BITS)
    high = np.floor(rest)
    low = np.rint(np.ldexp(rest - high, WORD_BITS))
    return np.stack([whole, high, low]).astype(np.int64)


def exact_means(sums: Words, pairs: int) -> Floats:
    """Return the correctly rounded means, float64 n, of sums of words (int64 3 x n)."""
    divisor = pairs << 2 * WORD_BITS
    totals = ((w << 2 * WORD_BITS) + (h << WORD_BITS) + low for w, h, low in sums.T.tolist())
    return np.array([total / divisor for total in totals])


def figures_of_means(means: Floats, max_f: MaxF) -> tuple[dict[str, float], dict[str, Floats]]:
    """Return a set's figures and curves from its means, ordered as `flatten` orders a pair's."""
    of_pairs = dict(zip([figure.key for figure in FIGURES], means[: len(FIGURES)].tolist()))
    curves = dict(zip(CURVES, means[len(FIGURES) :].reshape(len(CURVES), LEVELS)))
    of_curves = {figure.key: figure.of_curves for figure in FIGURES}
    of_curves["max_f"] = MAX_F[max_f][1]
    figures = {
        key: mean if (function := of_curves[key]) is None else float(function(curves))
        for key, mean in of_pairs.items()
    }
    return figures, curves
