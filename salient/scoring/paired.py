"""Two methods on the same pictures: does one draw better, and does it take the right object?

A plain mean mixes the two: of 540 pictures, about thirty gross failures carry 40 % of the mean
error, and their noise hides changes in the others. So both questions are answered separately:

- how well it draws: the mean of the middle 80 % of the differences, with its standard error (Yuen
  1974, "The two-sample trimmed t for unequal population variances", Biometrika 61, section 2: the
  variance is that of the winsorised sample), and how many pictures gain (sign test);
- which object it takes: gross failures of each method (McNemar 1947, the exact test).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import comb, copysign, inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from salient.metrics import HEADLINE, Figure
from salient.scoring.objects import GROUPS, Objects, objects_of
from salient.scoring.score import score_predictions
from salient.scoring.sources import Prediction

TRIM = 0.1  # fraction of the differences that is left out on either side
FAILED = 0.5  # a picture with an IoU below this at level 128 is a gross failure
SURE = 3  # standard errors
Figures = Mapping[str, float]  # of one picture, by the keys of FIGURES


class Difference(NamedTuple):
    """The difference of one figure between two methods: `after` minus `before`.

    Attributes:
        figure: the figure; `max_f` is the best F of each picture.
        before, after: the plain means over the pictures.
        middle: mean of the middle 80 % of the differences; `error` is its standard error.
        gains, losses: pictures on which the second is better, and worse; the rest are ties.
        chance: p of the sign test, two-sided, without the ties.
    """

    figure: Figure
    before: float
    after: float
    middle: float
    error: float
    gains: int
    losses: int
    chance: float

    @property
    def errors(self) -> float:
        """The middle mean in standard errors, above 0 where the second method is better."""
        gain = self.middle if self.figure.higher_is_better else -self.middle
        if self.error == 0:
            return copysign(inf, gain) if gain else 0.0
        return gain / self.error


class Failures(NamedTuple):
    """Gross failures of the two methods; some are `cured` by the second, and some are `new`.

    `chance` is p of McNemar's exact test, two-sided.
    """

    before: int
    after: int
    cured: int
    new: int
    chance: float


class Comparison(NamedTuple):
    """Two methods on a group of pictures: the difference of each headline figure, and failures."""

    group: str
    pictures: int
    differences: tuple[Difference, ...]
    failures: Failures


class Measurements(NamedTuple):
    """The scores of one method: figures and objects of each picture, by name."""

    figures: dict[str, Figures]
    objects: dict[str, Objects]


def compare_methods(
    before: Iterable[Prediction], after: Iterable[Prediction], *, normalize: bool = True
) -> list[Comparison]:
    """Score two methods on the same pairs and compare them: all pictures, then each group.

    Args:
        before, after: their maps, from `from_files` or `from_network`.
        normalize: stretch each map by its own minimum and maximum.

    Raises:
        ValueError: the pictures differ, or there are fewer than 2.
    """
    return compare_groups(measure(before, normalize), measure(after, normalize))


def measure(predictions: Iterable[Prediction], normalize: bool = True) -> Measurements:
    """Score maps for a comparison. Raises as `score_predictions`."""
    objects: dict[str, Objects] = {}
    scored = score_predictions(
        predictions,
        normalize=normalize,
        watcher=lambda name, _map, mask, _scores: objects.update({name: objects_of(mask)}),
    )
    return Measurements({name: scores.figures for name, scores in scored}, objects)


def compare_groups(before: Measurements, after: Measurements) -> list[Comparison]:
    """Compare the scores of two methods: all pictures, then each group with 2 pictures or more.

    Raises:
        ValueError: the pictures differ, or there are fewer than 2.
    """
    if before.figures.keys() != after.figures.keys():
        raise ValueError("the two methods were scored on different pictures")
    comparisons = []
    for group in GROUPS:
        names = [name for name, objects in before.objects.items() if group.holds(objects)]
        if len(names) >= 2 or group is GROUPS[0]:
            first, last = ([of.figures[name] for name in names] for of in (before, after))
            comparisons.append(paired(first, last, group.name))
    return comparisons


def paired(
    before: Sequence[Figures], after: Sequence[Figures], group: str = GROUPS[0].name
) -> Comparison:
    """Compare the figures of two methods, picture by picture.

    Args:
        before, after: the figures of each picture, in the same order, as `PairScores.figures`.
        group: the name of the group of pictures.

    Raises:
        ValueError: there are fewer than 2 pictures, or their numbers differ.
    """
    if len(before) != len(after) or len(before) < 2:
        raise ValueError(
            f"a comparison needs 2 pictures or more, the same of both methods; "
            f"got {len(before)} and {len(after)}"
        )
    differences = tuple(_difference(figure, before, after) for figure in HEADLINE)
    failed = [np.array([figures["iou"] < FAILED for figures in of]) for of in (before, after)]
    cured, new = int((failed[0] & ~failed[1]).sum()), int((failed[1] & ~failed[0]).sum())
    counts = int(failed[0].sum()), int(failed[1].sum())
    failures = Failures(counts[0], counts[1], cured, new, sign_test(cured, new))
    return Comparison(group, len(before), differences, failures)


def _difference(figure: Figure, before: Sequence[Figures], after: Sequence[Figures]) -> Difference:
    first, last = (np.array([figures[figure.key] for figures in of]) for of in (before, after))
    change = last - first
    middle, error = trimmed_mean(change)
    better, worse = int((change > 0).sum()), int((change < 0).sum())
    if not figure.higher_is_better:
        better, worse = worse, better
    chance = sign_test(better, worse)
    before_mean, after_mean = float(first.mean()), float(last.mean())
    return Difference(figure, before_mean, after_mean, middle, error, better, worse, chance)


def trimmed_mean(values: ArrayLike, trim: float = TRIM) -> tuple[float, float]:
    """The mean without the lowest and the highest, and its standard error (Yuen 1974).

    Args:
        values: n numbers, at least 2.
        trim: fraction that is left out on either side, in [0, .5); `int(trim * n)` numbers.

    Examples:
        >>> mean, error = trimmed_mean([1, 2, 3, 4, 5, 6, 7, 8, 9, 100])
        >>> mean, round(error, 4)
        (5.5, 1.0897)
    """
    ordered = np.sort(np.asarray(values, np.float64))
    left_out = int(trim * ordered.size)
    kept = ordered[left_out : ordered.size - left_out]
    winsorised = ordered.clip(kept[0], kept[-1])
    squares = float(((winsorised - winsorised.mean()) ** 2).sum())
    return float(kept.mean()), sqrt(squares / (kept.size * (kept.size - 1)))


def sign_test(gains: int, losses: int) -> float:
    """The probability of a split at least as uneven as this, if both sides are equally likely.

    This is the exact binomial test with p = .5, two-sided. With no pictures it is 1.

    Examples:
        >>> sign_test(8, 2)
        0.109375
    """
    count = gains + losses
    tail = sum(comb(count, k) for k in range(min(gains, losses) + 1))
    return min(1.0, float(2 * tail / 2**count))
