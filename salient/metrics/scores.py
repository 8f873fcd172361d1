"""All figures and curves of one pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from salient.metrics.choice import USUAL, Choice
from salient.metrics.kernels import LEVELS
from salient.metrics.measured import Bytes, Floats, measure_pair


class PairScores(NamedTuple):
    """The scores of one pair.

    Attributes:
        figures: every figure of the choice by key. A figure that a set takes from its mean curves
            is computed from the picture's own curves here: `max_f` is its best F.
        curves: every curve of the choice by name, float64 256, by the threshold t = 0..255.
        resized: whether the prediction was resized to its mask before it was scored.
        empty: whether the mask has no foreground.
        iou: of the prediction at half with the mask.
        predicted_iou: what the method itself expected it to be; None if it does not say.
    """

    figures: dict[str, float]
    curves: dict[str, Floats]
    resized: bool = False
    empty: bool = False
    iou: float = 0.0
    predicted_iou: float | None = None


def score_pair(
    prediction: Bytes, mask: Bytes, *, normalize: bool = True, choice: Choice = USUAL
) -> PairScores:
    """The scores of one prediction against its mask.

    Args:
        prediction: uint8 H,W, 0..255.
        mask: uint8 H,W; foreground is > 128.
        normalize: stretch the prediction by its own minimum and maximum first; see `measure_pair`.
        choice: which figures; see `choose`.

    Raises:
        ValueError: not uint8, not H,W, of different sizes, or without pixels.

    Examples:
        >>> mask = np.array([[0, 0, 255, 255]], np.uint8)
        >>> scores = score_pair(np.array([[0, 51, 204, 255]], np.uint8), mask)
        >>> round(scores.figures["mae"], 6), float(scores.curves["recall"][255])
        (0.1, 0.5)
    """
    measured = measure_pair(prediction, mask, normalize=normalize)
    figures = {figure.key: float(figure.of_pair(measured)) for figure in choice.figures}
    curves = {name: curve(measured)[:LEVELS] for name, curve in choice.curves.items()}
    return PairScores(figures, curves, empty=measured.foreground_size == 0)


def flatten(scores: PairScores, choice: Choice = USUAL) -> Floats:
    """A pair's figures and curves in the order of the choice, float64 `choice.columns`.

    Raises:
        KeyError: the pair was scored without one of the figures.
    """
    figures = [scores.figures[figure.key] for figure in choice.figures]
    return np.concatenate([figures, *(scores.curves[name] for name in choice.curves)])
