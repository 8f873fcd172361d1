"""Exact, fast metrics of salient object detection: arrays in, numbers out.

`SaliencyMetrics` needs torchmetrics, and is imported when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from salient.metrics.figures import CURVES, FIGURES, HEADLINE, Figure, MaxF
from salient.metrics.scores import ExactSums, PairScores, score_pair

if TYPE_CHECKING:
    from salient.metrics.collection import SaliencyMetrics

__all__ = [
    "CURVES",
    "FIGURES",
    "HEADLINE",
    "ExactSums",
    "Figure",
    "MaxF",
    "PairScores",
    "SaliencyMetrics",
    "score_pair",
]


def __getattr__(name: str) -> Any:
    if name == "SaliencyMetrics":
        from salient.metrics.collection import SaliencyMetrics

        return SaliencyMetrics
    raise AttributeError(f"module {__name__} has no attribute {name}")
