"""docs/reference/python.md: its examples run in order and return what the commands print."""

from __future__ import annotations

import re
import shutil

import pytest

import salient
from salient.config import ConfigError
from tests.fixtures.checkout import draw_pairs
from tests.fixtures.commands import ROOT

WINGS = ("data", "detection", "metrics", "model", "scoring", "training", "weights")


def test_the_examples_run_and_return_what_is_printed(
    small_network, sample_root, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample_root, "data")
    draw_pairs(tmp_path, 10)
    (tmp_path / "truths").rename("masks")
    salient.save_network(small_network(), "start.safetensors")
    names: dict = {}
    for example in re.findall(
        r"```python\n(.+?)```", (ROOT / "docs/reference/python.md").read_text(), re.S
    ):
        exec(example.replace("size=64,", "size=64, workers=0,"), names)
    (row,) = names["rows"]
    assert f"{row.figures['mae']:.4f}" in capsys.readouterr().out
    trained = names["trained"]
    assert trained.path.is_file() and trained.path.name == "mine.safetensors"
    assert [row.method for row in trained.rows] == ["before", "after"]
    assert trained.rows[1].figures["mae"] == pytest.approx(trained.figures["val/mae"], abs=2e-3)
    assert (tmp_path / "runs/mine/comparison/report.html").is_file()
    again = salient.load_network(trained.path)
    assert again.size == 64


def test_what_is_wrong_names_the_parameter():
    with pytest.raises(ConfigError, match="^report_pictures must be at least 0, got -1"):
        salient.evaluate("sample", report_pictures=-1)
    with pytest.raises(ValueError, match="no set 'ecsd'; did you mean ecssd"):
        salient.evaluate("ecsd")


def test_the_face_and_its_wings_list_their_names():
    assert {"Detector", "evaluate", "train", "load_network"} <= set(dir(salient))
    for wing in WINGS:
        module = __import__(f"salient.{wing}", fromlist=["__all__"])
        assert module.__all__ and all(hasattr(module, name) for name in module.__all__), wing


def test_the_usual_callbacks_are_those_of_the_config(composed, tmp_path):
    from salient.training.run import usual_callbacks

    nodes = composed("train", "dataset=sample_train")["callbacks"].values()
    named = [node["_target_"].rpartition(".")[2] for node in nodes]
    made = [type(callback).__name__ for callback in usual_callbacks(tmp_path)]
    assert [name.replace("moving_average", "WeightAveraging") for name in named] == made
