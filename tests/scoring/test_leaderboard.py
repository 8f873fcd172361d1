"""Ranks: direction, ties, published figures without one; Markdown and CSV that can be read."""

from __future__ import annotations

import csv

import pytest

from salient.metrics import FIGURES
from salient.scoring.leaderboard import leaderboard, markdown, save_leaderboard
from salient.scoring.tables import Row

PUBLISHED = {"mae": 0.1, "sm": 0.8, "max_f": 0.7, "weighted_f": 0.6}


def row(method, mae, other, dataset="SOD", published=None):
    figures = {figure.key: other for figure in FIGURES} | {"mae": mae}
    return Row(dataset, method, 300, figures, published or {})


ROWS = [
    row("a", 0.2, 0.9, published=PUBLISHED),
    row("b|c", 0.1, 0.5, published=PUBLISHED),
    row("d", 0.100004, 0.3),
    row("a", 0.2, 0.9, "ECSSD"),
    row("b|c", 0.3, 0.8, "ECSSD"),
    row("d", 0.4, 0.1, "ECSSD"),
]


def test_less_error_and_more_of_the_rest_rank_first_and_equals_share():
    columns, lines = leaderboard(ROWS)
    assert [(dataset, figure.key) for dataset, figure in columns[:2]] == [
        ("SOD", "mae"), ("SOD", "sm")
    ]  # fmt: skip
    ranks = {line.method: [line.cells[c].rank for c in columns] for line in lines[:3]}
    assert ranks == {
        "a": [3, 1, 1, 1, 1, 1, 1, 1],
        "b|c": [1, 2, 2, 2, 2, 2, 2, 2],
        "d": [1, 3, 3, 3, 3, 3, 3, 3],  # its MAE on SOD is shown as b's
    }
    assert [line.method for line in lines] == ["a", "b|c", "d", "ModelScope (reported)"]
    assert [line.mean_rank for line in lines] == [1.25, 1.875, 2.75, None]


def test_published_figures_stand_last_without_a_rank():
    text = markdown(*leaderboard(ROWS)).splitlines()
    assert text[-1] == "| ModelScope (reported) |  | 0.100 | 0.800 | 0.700 | 0.600 |  |  |  |  |"
    assert r"| b\|c | 1.88 | **0.1000** (1) | 0.5000 (2) |" in text[3]
    assert len({line.replace(r"\|", "").count("|") for line in text}) == 1


def test_it_is_saved_where_methods_compete(tmp_path):
    save_leaderboard(ROWS, tmp_path, "how")
    assert (tmp_path / "leaderboard.md").read_text().endswith("\n\nhow\n")
    with (tmp_path / "leaderboard.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["method"] for line in lines] == ["a", "b|c", "d", "ModelScope (reported)"]
    assert lines[1]["SOD mae"] == "0.1000" and lines[1]["SOD mae rank"] == "1"
    assert float(lines[0]["mean_rank"]) == pytest.approx(1.25) and lines[3]["SOD mae rank"] == ""
    text = (tmp_path / "leaderboard.tex").read_text().splitlines()
    assert text[4] == r" & \multicolumn{4}{c}{SOD} & \multicolumn{4}{c}{ECSSD} \\"
    assert text[5] == r"\cmidrule(lr){2-5} \cmidrule(lr){6-9}"
    assert text[8].startswith(r"a & 0.2000 & \textbf{0.9000} & ")
    assert text[11].startswith("ModelScope (reported) & 0.100 & 0.800 & 0.700 & 0.600 &  & ")
    save_leaderboard([ROWS[0], ROWS[3]], tmp_path / "alone", "how")
    assert not (tmp_path / "alone").exists()
