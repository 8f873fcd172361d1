"""docs/tour.ipynb: its cells run in order, offline; what is committed names no machine."""

from __future__ import annotations

import json

import matplotlib.pyplot
import pytest

from tests.fixtures.commands import ENVIRONMENT, ROOT

TOUR = ROOT / "docs/tour.ipynb"
PASSES = "max_epochs=20"


def test_the_cells_run(tmp_path, monkeypatch, capsys):
    """As they stand, but for one pass of fine-tuning instead of twenty."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    matplotlib.use("agg")
    cells = json.loads(TOUR.read_text())["cells"]
    programs = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert sum(PASSES in program for program in programs) == 1
    names: dict[str, object] = {}
    for program in programs:
        exec(program.replace(PASSES, "max_epochs=1"), names)
    said = capsys.readouterr().out
    assert "| sample   | 10    | best" in said and "| mine, held out | 6     | after" in said
    assert len(matplotlib.pyplot.get_fignums()) == 4
    matplotlib.pyplot.close("all")


def test_the_file_is_small_has_its_pictures_and_names_no_machine():
    text = TOUR.read_text()
    assert len(text) < 500_000 and text.count('"image/jpeg"') == 4
    assert not any(folder in text for folder in ("/root", "/home", "/tmp", "/Users"))


@pytest.mark.parametrize("kind", ["error", "stderr"])
def test_no_cell_failed(kind):
    cells = json.loads(TOUR.read_text())["cells"]
    outputs = [out for cell in cells for out in cell.get("outputs", [])]
    assert outputs and all(kind not in (out["output_type"], out.get("name")) for out in outputs)
