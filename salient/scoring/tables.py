"""Tables of figures next to the published ones, as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any

from salient.config import checked
from salient.files import write_whole
from salient.metrics import HEADLINE, Figure, MaxF
from salient.metrics.figures import MAX_F
from salient.scoring.escaping import for_latex, for_markdown

PUBLISHED = "ModelScope (reported)"  # the line of figures that its page states


@dataclass(frozen=True)
class Row:
    """The scores of one method on one data set.

    Args:
        dataset, method: their names.
        pairs: the number of scored pairs.
        figures: every figure of `salient.metrics.figures` by key, in [0, 1].
        published: headline figures of ModelScope's network on this set, or none.
        resized: how many maps were resized to their mask.
        curves: precision, recall, f and e, 256 values each, by the threshold 0..255.
    """

    dataset: str
    method: str
    pairs: int
    figures: Mapping[str, float]
    published: Mapping[str, float] = field(default_factory=dict)
    resized: int = 0
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)


def markdown(rows: Sequence[Row], shown: Sequence[Figure] = HEADLINE) -> str:
    """The table, aligned for a terminal: figures, published ones, difference; the best in bold."""
    lines = [
        ["Data set", "Pairs", "Method", *(f.label for f in shown)],
        *(list(map(for_markdown, line)) for line in _lines(rows, shown, "**{}**".format)),
    ]
    return aligned(lines)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns; the first line is its head."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    head, *rest = lines
    return "\n".join(
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths)) + " |"
        for line in (head, ["-" * width for width in widths], *rest)
    )


def latex(rows: Sequence[Row], note: str = "", shown: Sequence[Figure] = HEADLINE) -> str:
    """The same as a `tabular` with booktabs' rules, ready to paste; `note` becomes a comment."""
    out = [
        f"% {note}",
        "% \\usepackage{booktabs}",
        rf"\begin{{tabular}}{{ll{'r' * len(shown)}}}",
        r"\toprule",
    ]
    out.append(" & ".join(["Data set", "Method", *(figure.latex for figure in shown)]) + r" \\")
    previous = ""
    for dataset, _, method, *cells in _lines(rows, shown, r"\textbf{{{}}}".format):
        if dataset and dataset != previous:
            out.append(r"\midrule")
        names = [for_latex(dataset if dataset != previous else ""), for_latex(method)]
        previous = dataset or previous
        cells = [f"${cell}$" if cell.startswith(("+", "-")) else cell for cell in cells]
        out.append(" & ".join([*names, *cells]) + r" \\")
    return "\n".join([*out, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _lines(
    rows: Sequence[Row], shown: Sequence[Figure], mark: Callable[[str], str]
) -> Iterator[list[str]]:
    """Cells of each line of the table; with several methods, the best figures are marked."""
    for dataset, grouped in groupby(rows, key=lambda row: row.dataset):
        group = list(grouped)
        best = [
            (max if f.higher_is_better else min)(_shown(row, f.key) for row in group) for f in shown
        ]
        for row in group:
            cells = [_shown(row, figure.key) for figure in shown]
            if len(group) > 1:
                cells = [mark(c) if c == b else c for c, b in zip(cells, best)]
            yield [dataset, str(row.pairs), row.method, *cells]
        compared = [row for row in group if row.published]
        if compared:
            published = compared[0].published
            numbers = (published.get(figure.key) for figure in shown)
            yield [dataset, "", PUBLISHED, *("" if x is None else f"{x:.3f}" for x in numbers)]
        if len(compared) == 1:
            figures = compared[0].figures
            cells = [
                f"{figures[f.key] - published[f.key]:+.4f}" if f.key in published else ""
                for f in shown
            ]
            yield ["", "", "difference", *cells]


def _shown(row: Row, figure: str) -> str:
    return f"{row.figures[figure]:.4f}"


@checked
@dataclass(frozen=True)
class Conventions:
    """How maps are compared with masks.

    Args:
        max_f: curve, of the mean F curve; pooled, of mean precision and recall; image, the mean of
            each picture's best.
        normalize: stretch each map by its own minimum and maximum.
    """

    max_f: MaxF = "curve"
    normalize: bool = True

    def in_words(self) -> str:
        """The conventions in a line."""
        stretch = "stretched by its own minimum and maximum" if self.normalize else "taken as it is"
        return (
            f"Means over pictures; mask > 128; each map {stretch}; thresholds 0 to 255, "
            f"level >= t; max F: {MAX_F[self.max_f].words}, beta^2 = 0.3; weighted F: beta^2 = 1."
        )


def save(
    rows: Sequence[Row],
    images: Sequence[Mapping[str, Any]],
    folder: str | Path,
    details: Mapping[str, Any],
    note: str,
    shown: Sequence[Figure] = HEADLINE,
) -> None:
    """Write the results into `folder`.

    `results.json` (rows and `details`), `table.md`, `table.tex`, `table.csv`, `curves.csv` and,
    with a line for each map, `images.csv`. `note` tells the conventions, under the tables.
    """
    folder = Path(folder)
    plain = plain_rows(rows)
    published = [{"published": dict(row.published)} for row in rows]
    content = {"rows": [a | b for a, b in zip(plain, published)], **details}
    write_whole(folder / "results.json", json.dumps(content, indent=2) + "\n")
    write_whole(folder / "table.md", f"{markdown(rows, shown)}\n\n{note}\n")
    write_whole(folder / "table.tex", latex(rows, note, shown))
    write_csv(folder / "table.csv", plain)
    write_csv(folder / "images.csv", images)
    thresholds = [
        {"dataset": row.dataset, "method": row.method, "threshold": t}
        | {name: values[t] for name, values in row.curves.items()}
        for row in rows
        for t in range(len(next(iter(row.curves.values()), ())))
    ]
    write_csv(folder / "curves.csv", thresholds)


def plain_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A dict for each row: its names, every figure, and how many maps were resized."""
    return [
        {"dataset": row.dataset, "method": row.method, "pairs": row.pairs}
        | dict(row.figures)
        | {"resized": row.resized}
        for row in rows
    ]


def write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write dicts of the same keys as a CSV file with a header; nothing if there are none."""
    if lines:
        text = StringIO(newline="")
        writer = csv.DictWriter(text, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        write_whole(path, text.getvalue())
