"""Exact, fast metrics of salient object detection."""

from salient.metrics.collection import MaxF, SaliencyMetrics
from salient.metrics.files import in_parallel, score_files
from salient.metrics.functional import PairScores, score_pair

__all__ = ["MaxF", "PairScores", "SaliencyMetrics", "in_parallel", "score_files", "score_pair"]
