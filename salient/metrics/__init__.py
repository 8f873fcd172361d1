"""Exact, fast metrics of salient object detection."""

from salient.metrics.collection import SaliencyMetrics
from salient.metrics.files import score_files
from salient.metrics.functional import PairScores, score_pair

__all__ = ["PairScores", "SaliencyMetrics", "score_files", "score_pair"]
