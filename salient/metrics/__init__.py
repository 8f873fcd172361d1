"""Exact, fast metrics of salient object detection: arrays in, numbers out.

`SaliencyMetrics` needs torchmetrics, which is imported on first use.
"""

from typing import TYPE_CHECKING, Any

from salient.metrics.choice import USUAL, Choice, choose
from salient.metrics.figures import CURVES, FIGURES, HEADLINE, Figure, MaxF, OfCurves
from salient.metrics.more import MORE
from salient.metrics.scores import PairScores, score_pair
from salient.metrics.sums import ExactSums

if TYPE_CHECKING:
    from salient.metrics.torchmetric import SaliencyMetrics

__all__ = [
    "CURVES",
    "FIGURES",
    "HEADLINE",
    "MORE",
    "USUAL",
    "Choice",
    "ExactSums",
    "Figure",
    "MaxF",
    "OfCurves",
    "PairScores",
    "SaliencyMetrics",
    "choose",
    "score_pair",
]


def __getattr__(name: str) -> Any:
    if name == "SaliencyMetrics":
        from salient.metrics.torchmetric import SaliencyMetrics

        return SaliencyMetrics
    raise AttributeError(f"module {__name__} has no attribute {name}")
