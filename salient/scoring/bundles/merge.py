"""Merge bundles of several groups into one leaderboard, with paired intervals, without pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from salient.metrics import HEADLINE
from salient.scoring.bundles.store import Bundle, Scored
from salient.scoring.confidence import differences, replicates
from salient.scoring.tables import Row, aligned


def merge(bundles: Sequence[Bundle]) -> list[Scored]:
    """The scored methods of all bundles, by set.

    Raises:
        ValueError: two bundles differ in conventions, in figures, or in the pictures or masks of a
            set, or both contain a method of the same name. The message names them.
    """
    first, merged = bundles[0], dict[tuple[str, str], Scored]()
    sets: dict[str, tuple[Bundle, Scored]] = {}
    for bundle in bundles:
        keys = [figure.key for figure in bundle.choice.figures]
        if keys != [figure.key for figure in first.choice.figures]:
            raise ValueError(f"{first.path} and {bundle.path} have different figures")
        if bundle.conventions != first.conventions:
            raise ValueError(
                f"{first.path} and {bundle.path} were scored with different conventions"
            )
        for scored in bundle.scored:
            title, method = scored.row.dataset, scored.row.method
            where, known = sets.setdefault(title, (bundle, scored))
            if known.names != scored.names or known.masks != scored.masks:
                raise ValueError(f"{where.path} and {bundle.path} have different pairs of {title}")
            if (title, method) in merged:
                raise ValueError(f"{bundle.path}: {method} on {title} is also in an earlier bundle")
            merged[title, method] = scored
    return sorted(merged.values(), key=lambda one: list(sets).index(one.row.dataset))


def rows_of(scored: Sequence[Scored]) -> list[Row]:
    """The rows of the scored methods."""
    return [one.row for one in scored]


def differences_table(scored: Sequence[Scored], bundle: Bundle) -> str:
    """The differences of any two methods on each set, with 95 % intervals over the pictures.

    Args:
        scored: the result of `merge`.
        bundle: any of the merged bundles; all have the same conventions and figures.
    """
    lines = [["Data set", "Less", *(f.label for f in HEADLINE)]]
    drawn = [replicates(one.values, choice=bundle.choice) for one in scored]
    for (one, first), (other, second) in combinations(zip(scored, drawn), 2):
        if one.row.dataset != other.row.dataset:
            continue
        bounds = differences(first, second)
        cells = []
        for figure in HEADLINE:
            value = one.row.figures[figure.key] - other.row.figures[figure.key]
            low, high = bounds[figure.key_under(bundle.conventions.max_f)]
            cells.append(f"{value:+.4f} ({low:+.4f} to {high:+.4f})")
        lines.append([one.row.dataset, f"{one.row.method} - {other.row.method}", *cells])
    return aligned(lines)
