"""CONTRIBUTING.md, "Where does a new ... go?": each recipe, followed in a copy of the checkout."""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.fixtures.checkout import Copy, draw_pairs
from tests.fixtures.commands import QUICK, ROOT


@pytest.fixture
def copy(tmp_path) -> Copy:
    return Copy(tmp_path)


def test_a_data_set_is_a_yaml_to_train_and_to_score_on(copy):
    draw_pairs(copy.folder / "data/discs", 24)
    copy.write(
        "configs/dataset/discs.yaml",
        "# @package dataset.discs\n"
        "_target_: salient.data.sets.PairSet\n"
        "title: Discs\nroot: discs\nlayouts: [[discs/photos, discs/truths]]\nexpected: 24\n"
        "home: https://example.org\npublished: {mae: 0.1, sm: 0.8, max_f: 0.7, weighted_f: 0.6}\n",
    )
    shown = copy.run("eval.py", "dataset=discs", "output=out", "workers=0")
    assert "| Discs" in shown and "published" in shown
    assert json.loads((copy.folder / "out/results.json").read_text())["rows"][0]["pairs"] == 24
    quick = [argument for argument in QUICK if "batch_size" not in argument]
    sets = "dataset=[sample_train,discs]"
    shown = copy.run("train.py", *quick, sets, "loader.batch_size=8", "+trainer.max_steps=1")
    assert "sample + Discs" in shown
    assert list((copy.folder / "checkpoints").glob("*.safetensors"))


def test_a_figure_is_a_function_and_a_row(copy):
    copy.insert(
        "salient/metrics/thresholds.py",
        "def f_of(precision",
        "def bright_share(measured: Measured) -> float:\n"
        '    """The share of the map at level 128 or more, 0..1."""\n'
        "    positive = measured.true_positives[128] + measured.false_positives[128]\n"
        "    return float(positive / measured.size)\n\n\n",
    )
    copy.insert(
        "salient/metrics/figures.py",
        ")\nHEADLINE = ",
        '    Figure("bright", "bright share", "bright", True, thresholds.bright_share),\n',
    )
    copy.insert(
        "salient/metrics/figures.py",
        "from salient.metrics.error import",
        "from salient.metrics import thresholds\n",
    )
    copy.run("eval.py", "dataset=sample", "output=out", "workers=0")
    (row,) = json.loads((copy.folder / "out/results.json").read_text())["rows"]
    assert 0 < row["bright"] < 1
    for name in ("table.csv", "images.csv"):
        with (copy.folder / "out" / name).open() as file:
            assert all(0 <= float(line["bright"]) <= 1 for line in csv.DictReader(file))


@pytest.fixture(scope="module")
def trained_by_recipe(tmp_path_factory) -> tuple[Copy, str]:
    """One run with a loss, a backbone, a callback and a logger of one's own."""
    copy = Copy(tmp_path_factory.mktemp("house"))
    copy.write(
        "mine.py",
        "import pytorch_lightning as pl\n"
        "import torch\n\n"
        "def half_weights(mask):\n    return torch.full_like(mask, 0.5)\n\n"
        "def squared_error(logit, mask, weight):\n"
        "    return (weight * (torch.sigmoid(logit) - mask) ** 2).mean()\n\n"
        "class Greeter(pl.Callback):\n"
        "    def __init__(self, word):\n        self.word = word\n\n"
        "    def on_fit_end(self, trainer, module):\n"
        "        print(self.word, float(module.parts.named['out4']))\n",
    )
    copy.write(
        "configs/callbacks/greeter.yaml", "greeter:\n  _target_: mine.Greeter\n  word: good day\n"
    )
    copy.write(
        "configs/logger/lines.yaml",
        "# @package logger.lines\n_target_: pytorch_lightning.loggers.CSVLogger\n"
        "save_dir: ${hydra:runtime.output_dir}\nname: lines\nversion: ''\n",
    )
    printed = copy.run(
        "train.py",
        *QUICK,
        "model.loss.region._target_=mine.squared_error",
        "model.loss.pixel_weights._target_=mine.half_weights",
        "model.network.encoder.name=resnet10t",
        "callbacks=[default,greeter]",
        "logger=[tensorboard,lines]",
        "trainer.max_epochs=1",
        "trainer.log_every_n_steps=1",
    )
    return copy, printed


def test_a_loss_and_a_pixel_weighting_are_functions_named_by_target(trained_by_recipe):
    (line,) = [line for line in trained_by_recipe[1].splitlines() if line.startswith("good day")]
    assert 0 < float(line.removeprefix("good day ")) <= 0.5  # half of a squared error


def test_a_backbone_is_one_override(trained_by_recipe):
    described = trained_by_recipe[0].run("-m", "salient", "weights", "checkpoint=last")
    assert '"encoder": "resnet10t"' in described


def test_a_callback_is_a_yaml(trained_by_recipe):
    assert "good day" in trained_by_recipe[1]


def test_a_logger_is_a_yaml(trained_by_recipe):
    (file,) = (trained_by_recipe[0].folder / "runs/demo").glob("*/lines/metrics.csv")
    with file.open() as lines:
        names = next(csv.reader(lines))
    assert {"val/mae", "train/loss", "final/mae"} <= set(names)
    events = EventAccumulator(str(file.parents[1]))  # beside the other
    events.Reload()
    assert "val/mae" in events.Tags()["scalars"]


def test_an_output_mode_is_a_function_and_an_entry(copy):
    copy.insert(
        "salient/detection/modes.py",
        "# By the word of `mode=`",
        "def negative(picture: Picture, saliency: Map, edge: Map) -> Map:\n"
        '    """The map with black and white exchanged, H,W."""\n    return 255 - saliency\n\n\n',
    )
    copy.insert(
        "salient/detection/modes.py", '    "edges": edges,\n', '    "negative": negative,\n'
    )
    draw_pairs(copy.folder / "data", 1)
    maps = []
    for mode in ("map", "negative"):
        where = ("input=data/photos/0.png", f"output={mode}", "precision=fp32")
        copy.run("predict.py", *where, f"mode={mode}")
        maps.append(np.asarray(Image.open(copy.folder / mode / "0.png")).astype(int))
    assert (maps[0] + maps[1] == 255).all()


def test_an_export_format_is_an_entry(copy, small_network):
    from salient import save_network

    copy.insert(
        "salient/export.py",
        "FORMATS = {",
        "def write_script(\n"
        "    network: Network, probability: bool = True, half: bool = False\n"
        ") -> bytes:\n"
        '    """The network as TorchScript, of its own size."""\n'
        "    content = BytesIO()\n"
        "    example = torch.zeros(1, 3, network.size, network.size)\n"
        "    script = torch.jit.trace(Heads(network, probability), example)\n"
        "    torch.jit.save(script, content)\n"
        "    return content.getvalue()\n\n\n"
        "def run_script(path: Path) -> Run:\n"
        '    """Run TorchScript by PyTorch."""\n'
        "    script = torch.jit.load(path)\n"
        "    return lambda image: [x.detach().numpy() for x in script(torch.from_numpy(image))]\n"
        "\n\n",
    )
    copy.insert(
        "salient/export.py",
        '    ".onnx": Format(',
        '    ".ts": Format("TorchScript", write_script, run_script),\n',
    )
    save_network(small_network(), copy.folder / "a.safetensors")
    draw_pairs(copy.folder / "data", 1)
    copy.run("predict.py", "input=data/photos", "output=maps", "checkpoint=a.safetensors")
    shown = copy.run("-m", "salient", "export", "checkpoint=a.safetensors", "output=a.ts")
    assert "TorchScript" in shown and "largest difference on 2 pictures" in shown


def test_a_verb_is_a_function_a_yaml_and_a_row(copy):
    copy.write(
        "salient/commands/count.py",
        '"""Count."""\n\nfrom salient.cli.main import run\n\n\n'
        "def count(to: int) -> None:\n"
        '    """Print the numbers."""\n    print(*range(1, to + 1))\n\n\n'
        'if __name__ == "__main__":\n    run("count")\n',
    )
    copy.write("configs/count.yaml", "# Count.\ndefaults: [quiet, _self_]\n\nto: 3 # the last\n")
    copy.insert("salient/cli/verbs.py", '    "strip": Verb(', '    "count": Verb("count"),\n')
    assert copy.run("-m", "salient", "count", "to=4").split() == ["1", "2", "3", "4"]
    assert "to=3  the last" in copy.run("-m", "salient", "count", "--help")
    assert "count" in copy.run("-m", "salient", "--help")


def test_every_recipe_has_a_test():
    """The rows of CONTRIBUTING's table, and what follows them here."""
    table = (ROOT / "CONTRIBUTING.md").read_text()
    rows: dict[str, Any] = {
        "data set": test_a_data_set_is_a_yaml_to_train_and_to_score_on,
        "figure": test_a_figure_is_a_function_and_a_row,
        "loss": test_a_loss_and_a_pixel_weighting_are_functions_named_by_target,
        "backbone": test_a_backbone_is_one_override,
        "output mode": test_an_output_mode_is_a_function_and_an_entry,
        "export format": test_an_export_format_is_an_entry,
        "callback": test_a_callback_is_a_yaml,
        "logger": test_a_logger_is_a_yaml,
        "verb": test_a_verb_is_a_function_a_yaml_and_a_row,
    }
    for row in rows:
        assert f"| {row}" in table.lower(), row
