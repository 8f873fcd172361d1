"""Evaluate predicted IoUs: calibration, and the risk without the least confident maps.

Guo 2017, "On calibration of modern neural networks", equation 3 (the expected calibration error),
and Geifman 2017, "Selective classification for deep neural networks" (risk over coverage).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from salient.metrics.measured import Floats

BINS = 10
BAD = 0.5  # the IoU below which a map is bad
LEAST = 0.1  # the fraction of the maps with the lowest predictions


class Bin(NamedTuple):
    """Maps of about the same predicted IoU: its mean, the mean IoU, and how many there are."""

    predicted: float
    iou: float
    maps: int


def reliability(predicted: Floats, ious: Floats) -> list[Bin]:
    """Maps grouped by predicted IoU, in BINS equal steps from 0 to 1, without empty bins."""
    steps = np.minimum((predicted * BINS).astype(int), BINS - 1)
    return [
        Bin(float(predicted[at].mean()), float(ious[at].mean()), int(at.sum()))
        for at in (steps == step for step in range(BINS))
        if at.any()
    ]


def calibration_error(predicted: Floats, ious: Floats) -> float:
    """The mean distance of predicted and true IoU over the bins, weighted by their size."""
    bins = reliability(predicted, ious)
    return sum(abs(one.predicted - one.iou) * one.maps for one in bins) / len(ious)


def risk_over_coverage(predicted: Floats, ious: Floats) -> Floats:
    """The mean of 1 - IoU over the k maps with the highest predicted IoU, for k = 1..n."""
    order = np.argsort(-predicted, kind="stable")
    return np.asarray(np.cumsum(1 - ious[order]) / np.arange(1, len(ious) + 1))


def bad_maps(predicted: Floats, ious: Floats) -> tuple[float, float, float]:
    """The fraction of bad maps among all and among the least confident LEAST, and the fraction of
    the bad maps that are among these (1 if there are no bad maps)."""
    least = np.argsort(predicted, kind="stable")[: max(round(LEAST * len(ious)), 1)]
    bad = ious < BAD
    caught = bad[least].sum() / bad.sum() if bad.any() else 1.0
    return float(bad.mean()), float(bad[least].mean()), float(caught)


def lines_of(lines: Sequence[Mapping[str, Any]], method: str) -> tuple[Floats, Floats] | None:
    """Predicted and true IoU of a method's lines, as `summarise` makes them; None if it predicts
    none."""
    own = [line for line in lines if line["method"] == method]
    if not own or any(line["predicted_iou"] is None for line in own):
        return None
    return tuple(np.array([line[key] for line in own]) for key in ("predicted_iou", "iou"))  # type: ignore[return-value]


def curves_of(predicted: Floats, ious: Floats) -> dict[str, Any]:
    """Both curves for a page, in a square of 100 whose y points down: `words`, the `points` (x, y,
    radius) of the reliability, and the `risk` over coverage as an SVG polyline."""
    most = max(bin.maps for bin in reliability(predicted, ious))
    points = [
        (round(100 * p, 1), round(100 - 100 * y, 1), round(1 + 3 * (n / most) ** 0.5, 1))
        for p, y, n in reliability(predicted, ious)
    ]
    risk = risk_over_coverage(predicted, ious)
    at = np.unique(np.linspace(0, len(risk) - 1, 101).astype(int))
    line = " ".join(f"{100 * (k + 1) / len(risk):.1f},{100 - 100 * risk[k]:.1f}" for k in at)
    return {"words": in_words(predicted, ious), "points": points, "risk": line}


def in_words(predicted: Floats, ious: Floats) -> str:
    """The evaluation in one line."""
    share, least, caught = bad_maps(predicted, ious)
    return (
        f"predicted IoU {predicted.mean():.3f}, true {ious.mean():.3f}, calibration error "
        f"{calibration_error(predicted, ious):.3f}; IoU below {BAD:g}: {share:.1%} of all maps, "
        f"{least:.1%} of the least confident tenth, which holds {caught:.0%} of them"
    )
