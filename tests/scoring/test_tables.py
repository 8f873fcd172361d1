"""Tables: the best marked, published figures and differences, LaTeX and CSV that can be read."""

from __future__ import annotations

import csv
import json

from PIL import Image

from salient.metrics import CURVES, FIGURES
from salient.scoring.drawing import draw_curves
from salient.scoring.tables import Conventions, Row, latex, markdown, save

PUBLISHED = {"mae": 0.1, "sm": 0.8, "max_f": 0.7, "weighted_f": 0.6}


def row(method, mae, other, dataset="SOD", published=None):
    figures = {figure.key: other for figure in FIGURES} | {"mae": mae}
    curves = {name: [other] * 256 for name in CURVES}
    return Row(dataset, method, 300, figures, published or {}, 2, curves)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_method_alone_is_compared_with_the_published_figures():
    lines = markdown([row("ours", 0.125, 0.75, published=PUBLISHED)]).splitlines()
    assert cells(lines[2]) == ["SOD", "300", "ours", "0.1250", *["0.7500"] * 3]
    assert cells(lines[3])[2:] == ["ModelScope (reported)", "0.100", "0.800", "0.700", "0.600"]
    assert cells(lines[4])[2:] == ["difference", "+0.0250", "-0.0500", "+0.0500", "+0.1500"]


def test_the_best_of_each_column_and_data_set_is_marked_ties_included():
    a, b = row("a", 0.1, 0.5, published=PUBLISHED), row("b", 0.2, 0.9, published=PUBLISHED)
    tie = [row("c", 0.3, 0.4, "ECSSD"), row("d", 0.30001, 0.2, "ECSSD")]
    lines = [cells(line) for line in markdown([a, b, *tie]).splitlines()[2:]]
    assert lines[0][3:] == ["**0.1000**", *["0.5000"] * 3]
    assert lines[1][3:] == ["0.2000", *["**0.9000**"] * 3]
    assert (
        lines[2][2] == "ModelScope (reported)" and lines[3][2] == "c"
    )  # two methods: no differences
    assert [line[3] for line in lines[3:]] == ["**0.3000**", "**0.3000**"]
    assert r"\textbf{0.9000}" in latex([a, b])


def test_latex_escapes_names_and_sets_signs_in_mathematics():
    text = latex([row(r"50%_&#\x", 0.1, 0.5, published=PUBLISHED)], "how")
    assert r"50\%\_\&\#\textbackslash{}x" in text and text.startswith("% how\n")
    assert "$-0.3000$" in text and text.count(r"\midrule") == 1
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(line.count(" & ") == 5 for line in body)


def test_everything_is_saved_and_can_be_read(tmp_path):
    rows = [row("ours", 0.125, 0.75, published=PUBLISHED)]
    images = [{"dataset": "SOD", "name": "a,b", "mae": 0.5}]
    save(
        rows,
        images,
        tmp_path,
        {"missing": []},
        Conventions(max_f="pooled", normalize=False).in_words(),
    )
    saved = json.loads((tmp_path / "results.json").read_text())
    assert saved["missing"] == [] and saved["rows"][0]["published"] == PUBLISHED
    assert saved["rows"][0]["mean_e"] == 0.75 and saved["rows"][0]["resized"] == 2
    with (tmp_path / "images.csv").open() as file:
        assert next(csv.DictReader(file))["name"] == "a,b"
    with (tmp_path / "curves.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["threshold"] for line in lines] == [str(t) for t in range(256)]
    note = (tmp_path / "table.md").read_text()
    assert "mean precision and recall" in note and "taken as it is" in note
    draw_curves(rows).savefig(tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 2 * picture.height


def test_a_bar_in_a_name_stays_in_its_cell():
    rows = [row("m|n", 0.1, 0.5, "set|one"), row("b_c", 0.2, 0.4, "set|one")]
    lines = markdown(rows).splitlines()
    assert r"| set\|one |" in lines[2] and r"| m\|n " in lines[2]
    bare = [line.replace(r"\|", "") for line in lines]
    assert {line.count("|") for line in bare} == {8}
    assert r"m|n" in latex(rows) and r"b\_c" in latex(rows)
