"""CONTRIBUTING.md, "Where does a new ... go?": each recipe, followed in a copy of the checkout."""

from __future__ import annotations

import csv
import json
import re
import shutil
import textwrap
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.fixtures.checkout import Copy, draw_pairs
from tests.fixtures.commands import QUICK, ROOT

PAIRS = ("dataset=folder", "images=data/photos", "masks=data/truths", "strict=false")
BLOCK = re.compile(
    r"^ *<!-- (write|in) (\S+?)(?:, above: (.*?))? -->\n *```\w*\n(.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


def recipe(row: str) -> str:
    """The section of a row of the table."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (section,) = re.findall(rf"^### {row}\n(.*?)(?=^###? |\Z)", text, re.MULTILINE | re.DOTALL)
    return section


def follow(copy: Copy, row: str) -> None:
    """Write every block of a recipe where its comment says."""
    blocks = BLOCK.findall(recipe(row))
    assert blocks, row
    for action, file, place, code in blocks:
        margin = 4 if code.startswith("    ") and recipe(row).lstrip().startswith("1.") else 0
        code = "".join(line[margin:] if line.strip() else line for line in code.splitlines(True))
        if action == "write":
            (copy.folder / file).parent.mkdir(exist_ok=True)
            copy.write(file, code)
        else:
            gap = "\n\n" if code.startswith("def ") else ""
            copy.insert(file, place.replace("\\n", "\n"), code + gap)


@pytest.fixture
def copy(tmp_path) -> Copy:
    return Copy(tmp_path)


def test_a_data_set_is_a_yaml_to_train_and_to_score_on(copy):
    draw_pairs(copy.folder / "data/discs", 24)
    follow(copy, "Data set")
    quick = [argument for argument in QUICK if "batch_size" not in argument]
    sets = ("dataset=[sample_train,discs]", "loader.batch_size=8", "trainer.max_steps=1")
    scored, trained = copy.call(
        ("eval", "dataset=discs", "output=out", "workers=0", "checkpoint=fast"),
        ("train", *quick, *sets),
    )
    assert "| Discs" in scored and "(reported)" in scored
    assert json.loads((copy.folder / "out/results.json").read_text())["rows"][0]["pairs"] == 24
    assert "sample + Discs" in trained
    assert list((copy.folder / "checkpoints").glob("*.safetensors"))


def test_a_figure_is_a_function_and_a_row(copy):
    follow(copy, "Figure")
    draw_pairs(copy.folder / "data", 2)
    copy.run("eval.py", *PAIRS, "checkpoint=fast", "output=out", "workers=0")
    (row,) = json.loads((copy.folder / "out/results.json").read_text())["rows"]
    assert 0 < row["bright"] < 1
    for name in ("table.csv", "images.csv"):
        with (copy.folder / "out" / name).open() as file:
            assert all(0 <= float(line["bright"]) <= 1 for line in csv.DictReader(file))


@pytest.fixture(scope="module")
def trained_by_recipe(tmp_path_factory) -> tuple[Copy, str, str]:
    """One run with your own loss, backbone, callback and logger: what it and `weights` printed."""
    copy = Copy(tmp_path_factory.mktemp("house"))
    for row in ("Loss or pixel weighting", "Loss term", "Callback", "Logger"):
        follow(copy, row)
    train = (
        "train",
        *QUICK,
        "model=squared",
        "model.loss.region._target_=mine.squared_error",
        "model.loss.pixel_weights._target_=mine.half_weights",
        "model.network.encoder.name=resnet10t",
        "callbacks=[default,greeter]",
        "callbacks.greeter.word=hello",
        "logger=[tensorboard,lines]",
        "trainer.max_epochs=1",
        "trainer.log_every_n_steps=1",
    )
    return copy, *copy.call(train, ("weights", "checkpoint=last"))


def lines_of(copy: Copy) -> Any:
    """The figures that the recipe's logger wrote."""
    (file,) = (copy.folder / "runs/demo").glob("*/lines/metrics.csv")
    return file


def test_a_loss_and_a_pixel_weighting_are_functions_named_by_target(trained_by_recipe):
    with lines_of(trained_by_recipe[0]).open() as file:
        losses = [float(x["train/loss_out4"]) for x in csv.DictReader(file) if x["train/loss_out4"]]
    assert losses and all(0 < loss <= 0.5 for loss in losses)  # half of a squared error


def test_a_loss_term_has_a_name_in_the_log(trained_by_recipe):
    with lines_of(trained_by_recipe[0]).open() as file:
        (row, *_) = [row for row in csv.DictReader(file) if row["train/loss_squared"]]
    assert 0 < float(row["train/loss_squared"]) <= 0.5


def test_a_backbone_is_one_override(trained_by_recipe):
    assert '"encoder": "resnet10t"' in trained_by_recipe[2]


def test_a_callback_is_a_yaml(trained_by_recipe):
    assert "hello" in trained_by_recipe[1]


def test_a_logger_is_a_yaml(trained_by_recipe):
    file = lines_of(trained_by_recipe[0])
    with file.open() as lines:
        names = next(csv.reader(lines))
    assert {"val/mae", "train/loss", "final/mae"} <= set(names)
    events = EventAccumulator(str(file.parents[1]))  # next to the other
    events.Reload()
    assert "val/mae" in events.Tags()["scalars"]


def test_an_output_mode_is_a_function_and_an_entry(copy):
    follow(copy, "Output mode")
    draw_pairs(copy.folder / "data", 1)
    predict, modes = ("predict", "input=data/photos/0.png"), ("map", "negative")
    copy.call(*((*predict, f"output={mode}", f"mode={mode}") for mode in modes))
    positive, negative = (np.asarray(Image.open(copy.folder / m / "0.png")) for m in modes)
    assert (positive.astype(int) + negative == 255).all()


def test_an_export_format_is_an_entry(copy, small_network):
    from salient import save_network

    follow(copy, "Export format")
    save_network(small_network(), copy.folder / "a.safetensors")
    shown = copy.run("-m", "salient", "export", "checkpoint=a.safetensors", "output=a.ts")
    assert "TorchScript" in shown and "largest difference on 2 pictures" in shown


def test_a_verb_is_a_function_a_yaml_and_a_row(copy):
    follow(copy, "Verb")
    assert copy.run("-m", "salient", "count", "to=4").split() == ["1", "2", "3", "4"]
    assert copy.run("-m", "salient", "count").split() == ["1", "2", "3"]
    shown = copy.run("-m", "salient", "count", "--help")
    assert re.search(r"to=3 +the last", shown) and "  salient count to=4" in shown
    assert "count" in copy.run("-m", "salient", "--help")


def test_an_option_is_a_parameter_with_a_line_of_help(copy):
    follow(copy, "Option of a verb")
    draw_pairs(copy.folder / "data", 2)
    strip = ("strip", *PAIRS, "predictions=data/truths")
    names = ("false", "true")
    wheres = ((f"output={reverse}.png", f"reverse={reverse}") for reverse in names)
    shown, *_ = copy.call(("strip", "--help"), *((*strip, *where) for where in wheres))
    assert re.search(r"reverse=false +begin with the last", shown)
    first, last = (np.asarray(Image.open(copy.folder / f"{name}.png")) for name in names)
    assert first.shape == last.shape and (first != last).any()


def test_a_wing_is_a_folder_and_a_floor(copy):
    shutil.copytree(ROOT / "tests/fixtures", copy.folder / "tests/fixtures")
    shutil.copy(ROOT / "tests/test_floors.py", copy.folder / "tests")
    follow(copy, "Wing")
    chosen = ("tests/test_floors.py", "-k", "stereo or circles", "--import-mode=importlib")
    assert "2 passed" in copy.run("-m", "pytest", *chosen, "-p", "no:cacheprovider")


TESTED = {
    "Data set": test_a_data_set_is_a_yaml_to_train_and_to_score_on,
    "Figure": test_a_figure_is_a_function_and_a_row,
    "Network": None,  # tests/test_recipe_network.py
    "Loss term": test_a_loss_term_has_a_name_in_the_log,
    "Loss or pixel weighting": test_a_loss_and_a_pixel_weighting_are_functions_named_by_target,
    "Backbone": test_a_backbone_is_one_override,
    "Output mode": test_an_output_mode_is_a_function_and_an_entry,
    "Export format": test_an_export_format_is_an_entry,
    "Callback": test_a_callback_is_a_yaml,
    "Logger": test_a_logger_is_a_yaml,
    "Verb": test_a_verb_is_a_function_a_yaml_and_a_row,
    "Option of a verb": test_an_option_is_a_parameter_with_a_line_of_help,
    "Wing": test_a_wing_is_a_folder_and_a_floor,
}


def test_every_row_of_the_table_has_a_recipe_and_a_test():
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| New | Where | Use |")[2]
    rows = re.findall(r"^\| ([A-Z][^|]*?) \| \[steps\]", table, re.MULTILINE)
    assert sorted(rows) == sorted(TESTED)
    for row in (row for row in rows if TESTED[row] is not None):
        text = textwrap.dedent(recipe(row))
        assert BLOCK.search(text) or re.search(r"^ {4}(python|salient) ", recipe(row), re.M), row
