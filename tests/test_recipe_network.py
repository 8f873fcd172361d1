"""CONTRIBUTING.md, "Network": your own decoder, with only the printed recipe."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.checkout import Copy, draw_pairs
from tests.fixtures.commands import QUICK
from tests.fixtures.recipes import code_blocks

DETECT = """
import sys, salient
for file in sys.argv[1:]:
    detector = salient.Detector.load(file, "cpu")
    shape, network = detector("data/photos/0.png").shape, getattr(detector.engine, "network", None)
    print(detector.engine.name, type(network).__name__, shape)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Copy:
    """A copy of the checkout in which the recipe was followed, and pairs to use it on."""
    copy = Copy(tmp_path_factory.mktemp("own_network"))
    network, imported, row, config = code_blocks("Network")
    copy.write("salient/model/sum.py", network)
    copy.insert("salient/model/__init__.py", "from salient.model.u2net import", imported)
    copy.insert("salient/model/__init__.py", '    "boundary": BoundaryNetwork,\n', f"    {row}")
    copy.write("configs/model/sum.yaml", config)
    draw_pairs(copy.folder / "data/discs", 12)
    draw_pairs(copy.folder / "data", 2)
    return copy


def test_it_trains_resumes_and_is_scored_exported_quantised_and_loaded(copy):
    pairs = ("images=data/discs/photos", "masks=data/discs/truths", "dataset=folder")
    quick = [x for x in QUICK if not x.startswith(("experiment", "loader.batch"))]
    train = (*quick, *pairs, "model=sum", "name=mine", "loader.batch_size=4")
    train = (*train, "loader.held_out=0.25", "trainer.max_epochs=2", "trainer.accelerator=cpu")
    stop = ("callbacks=[default,early_stopping]", "+callbacks.early_stopping.stopping_threshold=1")
    copy.run("train.py", *train, *stop)  # after the first pass, whose error is below 1
    (last,) = (copy.folder / "runs/mine").glob("*/last.ckpt")
    export = ("export", "checkpoint=last", "pictures=data/photos")
    resumed, described, _, *exported = copy.call(
        ("train", *train, f"resume={last}", "overwrite=true"),
        ("weights", "checkpoint=checkpoints/mine.safetensors"),
        ("eval", *pairs, "checkpoint=last", "output=out", "workers=0", "precision=fp32"),
        *((*export, output) for output in ("output=a.onnx", "output=a.pt2")),
        (*export, "output=b.onnx", "int8=data/photos"),
    )
    assert "held out: MAE" in resumed
    assert "architecture: sum" in described and '"width": 16' in described
    (row,) = json.loads((copy.folder / "out/results.json").read_text())["rows"]
    assert row["pairs"] == 12 and 0 < row["mae"] < 1
    assert all("largest difference on 2 pictures" in said for said in exported)
    detected = copy.run("-c", DETECT, "checkpoints/mine.safetensors", "a.onnx", "b.onnx")
    assert "SumNetwork (80, 100)" in detected
    assert "onnxruntime fp32 NoneType (80, 100)" in detected
    assert "onnxruntime int8 NoneType (80, 100)" in detected
