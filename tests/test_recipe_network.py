"""CONTRIBUTING.md, "Network": your own decoder, with only the printed recipe."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.checkout import Copy, draw_pairs
from tests.fixtures.commands import QUICK
from tests.fixtures.recipes import code_blocks

DETECT = """
import sys, salient
detector = salient.Detector.load(sys.argv[1], "cpu")
found = detector("data/photos/0.png")
print(detector.engine.name, type(getattr(detector.engine, "network", None)).__name__, found.shape)
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
    train = ("train.py", *quick, *pairs, "model=sum", "name=mine", "loader.batch_size=4")
    train = (*train, "loader.held_out=0.25")
    train = (*train, "trainer.max_epochs=2", "trainer.accelerator=cpu")
    stop = ("callbacks=[default,early_stopping]", "+callbacks.early_stopping.stopping_threshold=1")
    copy.run(*train, *stop)  # after the first pass, whose error is below 1
    (last,) = (copy.folder / "runs/mine").glob("*/last.ckpt")
    resumed = copy.run(*train, f"resume={last}", "overwrite=true")
    assert "held out: MAE" in resumed
    said = copy.run("-m", "salient", "weights", "checkpoint=checkpoints/mine.safetensors")
    assert "architecture: sum" in said and '"width": 16' in said
    copy.run("eval.py", *pairs, "checkpoint=last", "output=out", "workers=0", "precision=fp32")
    (row,) = json.loads((copy.folder / "out/results.json").read_text())["rows"]
    assert row["pairs"] == 12 and 0 < row["mae"] < 1
    export = ("-m", "salient", "export", "checkpoint=last", "pictures=data/photos")
    for output in (("output=a.onnx",), ("output=a.pt2",), ("output=b.onnx", "int8=data/photos")):
        assert "largest difference on 2 pictures" in copy.run(*export, *output)
    assert "SumNetwork (80, 100)" in copy.run("-c", DETECT, "checkpoints/mine.safetensors")
    assert "onnxruntime fp32 NoneType (80, 100)" in copy.run("-c", DETECT, "a.onnx")
    assert "onnxruntime int8 NoneType (80, 100)" in copy.run("-c", DETECT, "b.onnx")
