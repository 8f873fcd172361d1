"""A method on a set -> figures -> tables, curves, pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salient.lazy import lazy_names

if TYPE_CHECKING:
    from salient.scoring.comparison import compare
    from salient.scoring.evaluation import evaluate
    from salient.scoring.score import score_predictions, summarise
    from salient.scoring.sources import from_files, from_network
    from salient.scoring.tables import Conventions, Row, markdown

__all__ = [
    "Conventions",
    "Row",
    "compare",
    "evaluate",
    "from_files",
    "from_network",
    "markdown",
    "score_predictions",
    "summarise",
]
__getattr__ = lazy_names(
    __name__,
    {
        "compare": "comparison",
        "evaluate": "evaluation",
        "score_predictions": "score",
        "summarise": "score",
        "from_files": "sources",
        "from_network": "sources",
        "Conventions": "tables",
        "Row": "tables",
        "markdown": "tables",
    },
)
