"""Rows of figures -> the table beside the published one, as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

FIGURES = {"mae": "MAE", "sm": "Sm", "max_f": "max F", "weighted_f": "weighted F"}
LATEX = {
    "mae": r"MAE $\downarrow$",
    "sm": r"$S_m \uparrow$",
    "max_f": r"$F_\beta^{\max} \uparrow$",
    "weighted_f": r"$F_\beta^w \uparrow$",
}
MORE_FIGURES = ("mean_f", "adaptive_f", "max_e", "mean_e", "adaptive_e")
CURVES = ("precision", "recall", "f", "e")
PUBLISHED = "published"


@dataclass(frozen=True)
class Row:
    """What one method reaches on one data set.

    Args:
        dataset, method: their names.
        pairs: how many pairs were scored.
        figures: FIGURES and MORE_FIGURES by name, in [0, 1].
        published: FIGURES of ModelScope's damo/cv_res2net_salient-detection there, or none.
        resized: how many maps had another size than their mask.
        curves: CURVES by name, 256 values each, by the threshold 0..255.
    """

    dataset: str
    method: str
    pairs: int
    figures: Mapping[str, float]
    published: Mapping[str, float] = field(default_factory=dict)
    resized: int = 0
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)


def markdown(rows: Sequence[Row]) -> str:
    """The table, lined up for a terminal: figures, published ones, difference; the best in bold."""
    lines = [["Data set", "Pairs", "Method", *FIGURES.values()], *_lines(rows, "**{}**".format)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths)) + " |"
        for line in lines
    )


def latex(rows: Sequence[Row], note: str = "") -> str:
    """The same as a `tabular` with booktabs' rules, ready to paste; `note` becomes a comment."""
    out = [f"% {note}", "% \\usepackage{booktabs}", r"\begin{tabular}{llrrrr}", r"\toprule"]
    out.append(" & ".join(["Data set", "Method", *LATEX.values()]) + r" \\")
    previous = ""
    for dataset, _, method, *cells in _lines(rows, r"\textbf{{{}}}".format):
        if dataset and dataset != previous:
            out.append(r"\midrule")
        shown = dataset if dataset != previous else ""
        previous = dataset or previous
        names = [_escaped(shown), _escaped(method)]
        cells = [f"${cell}$" if cell.startswith(("+", "-")) else cell for cell in cells]
        out.append(" & ".join([*names, *cells]) + r" \\")
    return "\n".join([*out, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _lines(rows: Sequence[Row], mark: Callable[[str], str]) -> Iterator[list[str]]:
    """Cells of each line of the table; a data set's best figures marked where methods compete."""
    for dataset, grouped in groupby(rows, key=lambda row: row.dataset):
        group = list(grouped)
        best = {k: (min if k == "mae" else max)(_shown(row, k) for row in group) for k in FIGURES}
        for row in group:
            cells = [_shown(row, k) for k in FIGURES]
            if len(group) > 1:
                cells = [mark(c) if c == b else c for c, b in zip(cells, best.values())]
            yield [dataset, str(row.pairs), row.method, *cells]
        compared = [row for row in group if row.published]
        if compared:
            published = compared[0].published
            yield [dataset, "", PUBLISHED, *(f"{published[k]:.3f}" for k in FIGURES)]
        if len(compared) == 1:
            figures = compared[0].figures
            yield ["", "", "difference", *(f"{figures[k] - published[k]:+.4f}" for k in FIGURES)]


def _shown(row: Row, figure: str) -> str:
    return f"{row.figures[figure]:.4f}"


def _escaped(text: str) -> str:
    """For LaTeX."""
    special = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}"}
    special |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(character, character) for character in text)


def describe(max_f: str, normalize: bool) -> str:
    """The conventions of the figures in words, from the arguments of `SaliencyMetrics`."""
    best = {
        "curve": "maximum of the mean F curve",
        "pooled": "maximum F of the mean precision and recall",
        "image": "mean of each picture's best F",
    }
    stretch = "stretched by its own minimum and maximum" if normalize else "taken as it is"
    return (
        f"Means over pictures; mask > 128; each map {stretch}; thresholds 0 to 255, level >= t; "
        f"max F: {best[max_f]}, beta^2 = 0.3; weighted F: beta^2 = 1."
    )


def save(
    rows: Sequence[Row],
    images: Sequence[Mapping[str, Any]],
    folder: str | Path,
    details: Mapping[str, Any],
    note: str,
) -> None:
    """Write the results into `folder`.

    `results.json` (rows and `details`), `table.md`, `table.tex`, `table.csv`, `curves.csv` and,
    with a line for each map, `images.csv`. `note` tells the conventions, under the tables.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plain: list[dict[str, Any]] = []
    for row in rows:
        names = {"dataset": row.dataset, "method": row.method, "pairs": row.pairs}
        plain.append({**names, **row.figures, "resized": row.resized})
    published = [{"published": dict(row.published)} for row in rows]
    content = {"rows": [a | b for a, b in zip(plain, published)], **details}
    (folder / "results.json").write_text(json.dumps(content, indent=2) + "\n")
    (folder / "table.md").write_text(f"{markdown(rows)}\n\n{note}\n")
    (folder / "table.tex").write_text(latex(rows, note))
    write_csv(folder / "table.csv", plain)
    write_csv(folder / "images.csv", images)
    thresholds = [
        {"dataset": row.dataset, "method": row.method, "threshold": t}
        | {name: values[t] for name, values in row.curves.items()}
        for row in rows
        for t in range(len(next(iter(row.curves.values()), ())))
    ]
    write_csv(folder / "curves.csv", thresholds)


def write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write dicts of the same keys as a CSV file with a header; nothing if there are none."""
    if lines:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
