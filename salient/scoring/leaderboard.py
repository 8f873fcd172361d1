"""Several methods over several sets -> a table with ranks, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from salient.files import write_whole
from salient.metrics import HEADLINE, Figure
from salient.scoring.escaping import for_latex, for_markdown
from salient.scoring.tables import PUBLISHED, Row, write_csv

Column = tuple[str, Figure]  # a set's name and a figure


class Cell(NamedTuple):
    """A figure as it is shown, and its rank among the methods: 1 is best, equals share a rank."""

    value: str
    rank: int | None = None


class Standing(NamedTuple):
    """A line: the method, its mean rank (None for published figures), a cell for each column."""

    method: str
    mean_rank: float | None
    cells: Mapping[Column, Cell]


def leaderboard(
    rows: Sequence[Row], shown: Sequence[Figure] = HEADLINE
) -> tuple[list[Column], list[Standing]]:
    """Columns and lines, ordered by mean rank; the published figures come last, without a rank.

    They have no rank because their authors scored them with another program. Ranks compare the four
    digits that are shown.
    """
    sets = list(dict.fromkeys(row.dataset for row in rows))
    columns = [(dataset, figure) for dataset in sets for figure in shown]
    cells: dict[str, dict[Column, Cell]] = {row.method: {} for row in rows}
    published: dict[Column, Cell] = {}
    for dataset, figure in columns:
        group = [row for row in rows if row.dataset == dataset]
        values = [round(row.figures[figure.key], 4) for row in group]
        for row, value in zip(group, values):
            better = sum(v > value if figure.higher_is_better else v < value for v in values)
            cells[row.method][dataset, figure] = Cell(f"{value:.4f}", better + 1)
            if figure.key in row.published:
                published[dataset, figure] = Cell(f"{row.published[figure.key]:.3f}")
    lines = [Standing(method, _mean_rank(line), line) for method, line in cells.items()]
    lines.sort(key=lambda line: line.mean_rank or 0)
    return columns, lines + ([Standing(PUBLISHED, None, published)] if published else [])


def _mean_rank(cells: Mapping[Column, Cell]) -> float:
    ranks = [cell.rank for cell in cells.values() if cell.rank is not None]
    return sum(ranks) / len(ranks)


def markdown(columns: Sequence[Column], lines: Sequence[Standing]) -> str:
    """The leaderboard as Markdown: each figure with its rank in brackets, the best in bold."""
    names = [f"{dataset} {figure.label}" for dataset, figure in columns]
    out = [["Method", "Mean rank", *names]]
    out.append(["---"] * len(out[0]))
    for line in lines:
        mean = "" if line.mean_rank is None else f"{line.mean_rank:.2f}"
        out.append([line.method, mean, *(_marked(line.cells.get(column)) for column in columns)])
    return "\n".join(f"| {' | '.join(map(for_markdown, line))} |" for line in out)


def latex(columns: Sequence[Column], lines: Sequence[Standing], note: str = "") -> str:
    """The leaderboard as a `tabular` with booktabs' rules: sets over their figures, the first of
    each in bold; `note` becomes a comment."""
    sets = list(dict.fromkeys(dataset for dataset, _ in columns))
    width = len(columns) // max(len(sets), 1)
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{for_latex(dataset)}}}" for dataset in sets]
    rules = [rf"\cmidrule(lr){{{2 + width * k}-{1 + width * (k + 1)}}}" for k in range(len(sets))]
    out = [f"% {note}", r"% \usepackage{booktabs}"]
    out += [rf"\begin{{tabular}}{{l{'r' * len(columns)}}}", r"\toprule"]
    out += [" & ".join(["", *heads]) + r" \\", " ".join(rules)]
    out += [" & ".join(["Method", *(figure.latex for _, figure in columns)]) + r" \\", r"\midrule"]
    for line in lines:
        cells = [line.cells.get(column, Cell("")) for column in columns]
        values = [rf"\textbf{{{c.value}}}" if c.rank == 1 else c.value for c in cells]
        out.append(" & ".join([for_latex(line.method), *values]) + r" \\")
    return "\n".join([*out, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _marked(cell: Cell | None) -> str:
    if cell is None or cell.rank is None:
        return cell.value if cell else ""
    return f"**{cell.value}** (1)" if cell.rank == 1 else f"{cell.value} ({cell.rank})"


def save_leaderboard(
    rows: Sequence[Row], folder: Path, note: str, shown: Sequence[Figure] = HEADLINE
) -> None:
    """Write `leaderboard.md`, `.tex` and `.csv` if there are several methods."""
    columns, lines = leaderboard(rows, shown)
    if sum(line.mean_rank is not None for line in lines) < 2:
        return
    write_whole(folder / "leaderboard.md", f"{markdown(columns, lines)}\n\n{note}\n")
    write_whole(folder / "leaderboard.tex", latex(columns, lines, note))
    table = []
    for line in lines:
        cells: dict[str, object] = {"method": line.method, "mean_rank": line.mean_rank}
        for column in columns:
            name = f"{column[0]} {column[1].key}"
            cell = line.cells.get(column, Cell(""))
            cells |= {name: cell.value, f"{name} rank": cell.rank}
        table.append(cells)
    write_csv(folder / "leaderboard.csv", table)
