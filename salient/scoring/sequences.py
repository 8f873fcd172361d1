"""Figures by sequence of a video set, or by group of a set of co-salient objects.

As PySODEvalToolkit takes them: the mean over sequences gives each sequence the same weight, and
figures of curves are those of the sequences' mean curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from salient.metrics import Choice, MaxF
from salient.metrics.measured import Floats
from salient.metrics.sums import exact_means, figures_of_means, to_words
from salient.scoring.bundles.ledger import Ledger, Record
from salient.scoring.tables import Row, write_csv

MEAN = "mean over sequences"


def has_sequences(names: Sequence[str]) -> bool:
    """Whether pairs are named `SEQUENCE/NAME`."""
    return any("/" in name for name in names)


def by_sequence(
    row: Row, records: Mapping[str, Record], choice: Choice, max_f: MaxF
) -> dict[str, Row]:
    """The row of each sequence by its name, and of their mean, `MEAN`.

    Args:
        row: of the whole set.
        records: those behind it, by the pairs' names.
        choice, max_f: with which it was scored.
    """
    values: dict[str, list[Floats]] = {}
    for name in sorted(records):
        values.setdefault(name.rpartition("/")[0], []).append(records[name].values)
    means = {name: _mean(of_sequence) for name, of_sequence in values.items()}
    counts = {name: len(of_sequence) for name, of_sequence in values.items()}
    means[MEAN], counts[MEAN] = _mean(list(means.values())), row.pairs
    rows = {}
    for name, mean in means.items():
        figures, curves = figures_of_means(mean, max_f, choice)
        named = {key: curve.tolist() for key, curve in curves.items()}
        rows[name] = replace(row, pairs=counts[name], figures=figures, curves=named, published={})
    return rows


def sequences_of(
    rows: Sequence[Row],
    ledgers: Mapping[tuple[str, str], Ledger],
    choice: Choice,
    max_f: MaxF,
) -> list[dict[str, Row]]:
    """`by_sequence` of each row whose set has sequences."""
    records = [ledgers[row.dataset, row.method].records for row in rows]
    return [
        by_sequence(row, of_row, choice, max_f)
        for row, of_row in zip(rows, records)
        if has_sequences(list(of_row))
    ]


def save_sequences(found: Sequence[Mapping[str, Row]], folder: Path) -> None:
    """Write `sequences.csv`: a line for each sequence and one for their mean."""
    lines = [
        {"dataset": row.dataset, "method": row.method, "sequence": name, "pairs": row.pairs}
        | dict(row.figures)
        for rows in found
        for name, row in rows.items()
    ]
    write_csv(folder / "sequences.csv", lines)


def _mean(values: Sequence[Floats]) -> Floats:
    words = sum(map(to_words, values), np.zeros((3, len(values[0])), np.int64))
    return exact_means(words, len(values))
