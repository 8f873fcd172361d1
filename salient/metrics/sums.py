"""Exact means of the scores over a set, the same in any order of the pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from salient.metrics.choice import USUAL, Choice
from salient.metrics.figures import MaxF
from salient.metrics.kernels import LEVELS
from salient.metrics.measured import Floats
from salient.metrics.scores import PairScores, flatten

WORD_BITS = 32  # a sum of 2**31 words of 32 bits fits in int64
Words = npt.NDArray[np.int64]


class ExactSums:
    """Sums of the scores of pairs: the same in any order, and over any division into parts.

    Each number is split into a whole part and two words of 32 bits (steps of 2**-64), and sums of
    int64 are exact. So any number of processes and any order agree to the last digit, for up to
    2**31 pairs.

    Args:
        choice: the figures; see `choose`. The pairs must be scored with the same choice.

    Attributes:
        words: int64 3,`choice.columns`: the figures in the order of the choice, then the curves.
        pairs: how many were added.
    """

    def __init__(self, choice: Choice = USUAL) -> None:
        self.choice = choice
        self.words: Words = np.zeros((3, choice.columns), np.int64)
        self.pairs = 0

    def add(self, scores: PairScores) -> None:
        """Add a pair. Raises ValueError if a number is not finite."""
        self.words = self.words + to_words(flatten(scores, self.choice))
        self.pairs += 1

    def merge(self, other: ExactSums) -> None:
        """Add the sums of another process."""
        self.words = self.words + other.words
        self.pairs += other.pairs

    def means(self, max_f: MaxF = "curve") -> tuple[dict[str, float], dict[str, Floats]]:
        """The set's figures and its mean curves, both by name.

        Args:
            max_f: the convention of the maximum F.

        Raises:
            ValueError: no pair was added.
        """
        if self.pairs == 0:
            raise ValueError("no pairs were given: call update() or add() before compute()")
        return figures_of_means(exact_means(self.words, self.pairs), max_f, self.choice)


def to_words(values: Floats) -> Words:
    """Values as int64 3,n words: value = w0 + w1 / 2^32 + w2 / 2^64, 0 <= w1, w2 <= 2^32.

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
    """The correctly rounded means, float64 n, of sums of words (int64 3,n)."""
    divisor = pairs << 2 * WORD_BITS
    totals = ((w << 2 * WORD_BITS) + (h << WORD_BITS) + low for w, h, low in sums.T.tolist())
    return np.array([total / divisor for total in totals])


def figures_of_means(
    means: Floats, max_f: MaxF, choice: Choice = USUAL
) -> tuple[dict[str, float], dict[str, Floats]]:
    """A set's figures and curves from its means, ordered as `flatten` orders a pair's."""
    of_pairs, curves = divide(means, choice)
    shown = (figure.under(max_f) for figure in choice.figures)
    return {
        figure.key: figure.of_curves.function(curves) if figure.of_curves else mean
        for figure, mean in zip(shown, of_pairs)
    }, curves


def every_figure(means: Floats, choice: Choice = USUAL) -> dict[str, float]:
    """A set's figures, each under all its conventions: `max_f_curve` and so on.

    Args:
        means: of figures and curves, float64 n, ordered as `flatten` orders a pair's.
        choice: of the pairs.
    """
    of_pairs, curves = divide(means, choice)
    return {
        variant.key: variant.of_curves.function(curves) if variant.of_curves else mean
        for figure, mean in zip(choice.figures, of_pairs)
        for variant in figure.variants()
    }


def divide(means: Floats, choice: Choice) -> tuple[list[float], dict[str, Floats]]:
    """The means of the figures, in their order, and those of the curves by name."""
    figures, curves = np.split(means, [len(choice.figures)])
    return figures.tolist(), dict(zip(choice.curves, curves.reshape(-1, LEVELS)))
