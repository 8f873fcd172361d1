"""Before and after: two networks on the same pairs, and a verdict on which is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from salient.data.pairs import Pair
from salient.detection.by_torch import TorchEngine
from salient.metrics import HEADLINE, Figure, MaxF
from salient.model.base import Network
from salient.scoring.album import values_of
from salient.scoring.confidence import differences, replicates
from salient.scoring.report import ScoredSet
from salient.scoring.results import save_results, score_methods
from salient.scoring.sources import from_network
from salient.scoring.tables import Conventions, Row, markdown
from salient.weights.find import Checkpoint

BEFORE, AFTER = "before", "after"
MAX_F: MaxF = "curve"  # the convention of the rows


class Change(NamedTuple):
    """`after` minus `before` of a figure, with the 95 % interval over pictures, `low`..`high`."""

    figure: Figure
    value: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """Whether the figure improved by at least one digit that is shown."""
        gain = self.value if self.figure.higher_is_better else -self.value
        return round(gain, 4) > 0

    @property
    def sure(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


class Compared(NamedTuple):
    """The rows of `before` and `after`, and the table with the verdict in words."""

    rows: list[Row]
    words: str


def compare(
    before: Network,
    after: Network,
    pairs: Sequence[Pair],
    title: str,
    folder: Path,
    maps: Path,
    config: Mapping[str, Any],
    checkpoint: Checkpoint,
    workers: int | None = None,
) -> Compared:
    """Score both on the pairs; returns their rows, and the table with the verdict.

    Args:
        before, after: networks in eval mode; each gets pictures at its own size.
        pairs: pairs that neither was trained on.
        title: of the pairs.
        folder: receives tables, curves and `report.html`.
        maps: receives the maps, as `before/NAME.png` and `after/NAME.png`.
        config: the composed configuration.
        checkpoint: that of `after`.
        workers: processes that decode; by default one per core, at most 16.
    """
    networks = {BEFORE: before, AFTER: after}
    held_out = ScoredSet(title, pairs, [], [], [])
    score_methods(
        held_out,
        {name: from_network(TorchEngine(x), pairs, 8, workers) for name, x in networks.items()},
        normalize=True,
        max_f=MAX_F,
        published={},
        folders={name: maps / name for name in networks},
        keep=True,
    )
    found = changes(held_out)
    words = f"{describe(found, len(pairs))}\n{verdict(found)}"
    note = f"{words}\n\n{Conventions(MAX_F).in_words()}"
    details = {"checkpoint": str(checkpoint.path), "verdict": verdict(found)}
    save_results([held_out], folder, config, {AFTER: checkpoint}, details, note, MAX_F, len(pairs))
    return Compared(held_out.rows, f"{markdown(held_out.rows)}\n\n{words}")


def changes(scored: ScoredSet) -> list[Change]:
    """The change of each headline figure on a set that both networks were scored on."""
    names = [pair.name for pair in scored.pairs]
    before, after = (
        replicates(values_of([album.entries[name] for name in names])) for album in scored.albums
    )
    bounds = differences(after, before)
    first, last = (row.figures for row in scored.rows)
    found = []
    for figure in HEADLINE:
        low, high = bounds[figure.key_under(MAX_F)]
        found.append(Change(figure, last[figure.key] - first[figure.key], low, high))
    return found


def describe(found: Sequence[Change], pictures: int) -> str:
    """The changes in one line."""
    parts = [f"{c.figure.label} {c.value:+.4f} ({c.low:+.4f} to {c.high:+.4f})" for c in found]
    head = f"Change ({AFTER} - {BEFORE}), 95 % intervals over the {pictures} held-out pictures"
    return f"{head}: {', '.join(parts)}."


def verdict(found: Sequence[Change]) -> str:
    """The verdict in a sentence: better, perhaps better by chance, or not better."""
    worse = [change.figure.label for change in found if not change.better]
    unsure = [change.figure.label for change in found if not change.sure]
    if worse:
        return f"NOT BETTER in {', '.join(worse)}. What to do: docs/train/thirty-pictures.md"
    if unsure:
        names = ", ".join(unsure)
        return f"Better in every figure, but it may be chance in {names}: the interval contains 0."
    return "Better in every figure, and no interval contains 0."
