"""95 % bootstrap intervals of figures, over the pictures of a set.

They are percentile intervals of resampled sets (Efron and Tibshirani 1993, "An introduction to the
bootstrap", section 13.3). All methods of a set are resampled with the same pictures, so intervals
of differences are paired. The seed is fixed: the same scores give the same digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from salient.arrays import Float32
from salient.metrics import USUAL, Choice
from salient.metrics.measured import Floats
from salient.metrics.sums import every_figure

LEVEL = 0.95
REPLICATES = 1000
SEED = 0
BLOCK = 100  # replicates at a time: 4 MB of weights for 10000 pictures
Interval = tuple[float, float]


def replicates(
    values: NDArray[np.floating], count: int = REPLICATES, choice: Choice = USUAL
) -> dict[str, Floats]:
    """Figures of `count` sets drawn from the pictures with replacement, float64 count, by key.

    Args:
        values: figures and curves of each picture, n,columns, ordered as `flatten` orders them.
        count: how many sets are drawn. For one n, the same sets are drawn every time.
        choice: of the figures and curves.
    """
    drawn = [
        every_figure(means, choice)
        for weights in _weights(len(values), count)
        for means in np.asarray(weights @ values, np.float64)
    ]
    return {key: np.array([figures[key] for figures in drawn]) for key in drawn[0]}


def intervals(drawn: Mapping[str, Floats]) -> dict[str, Interval]:
    """The interval of each figure, from its replicates."""
    tail = (1 - LEVEL) / 2
    bounds = {key: np.quantile(values, (tail, 1 - tail)) for key, values in drawn.items()}
    return {key: (float(low), float(high)) for key, (low, high) in bounds.items()}


def differences(one: Mapping[str, Floats], other: Mapping[str, Floats]) -> dict[str, Interval]:
    """The interval of each figure's difference, `one` minus `other`, on the same drawn sets."""
    return intervals({key: one[key] - other[key] for key in one})


def _weights(pictures: int, count: int) -> Iterator[Float32]:
    """How often each picture is in each drawn set: float32 b x pictures, each row sums to 1.

    The draws do not depend on the size of the blocks.
    """
    generator = np.random.default_rng(SEED)
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        picks = generator.integers(pictures, size=(size, pictures))
        picks += pictures * np.arange(size)[:, None]
        counts = np.bincount(picks.ravel(), minlength=size * pictures)
        yield (counts.reshape(size, pictures) / pictures).astype(np.float32)
