"""`salient compare`: folders of maps, checkpoints, and what it refuses."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from salient.data.images import read_mask


@pytest.fixture(scope="module")
def maps(trained, tmp_path_factory):
    """The masks of the sample's test pairs as perfect maps, and the same in grey."""
    folder = tmp_path_factory.mktemp("compared")
    for name in ("perfect", "grey"):
        (folder / name).mkdir()
    for mask in (trained / "data/sample/test/masks").iterdir():
        shutil.copy(mask, folder / "perfect" / mask.name)
        grey = read_mask(mask) // 4 + 96
        grey[0, :2] = 0, 255  # so that nothing is stretched
        Image.fromarray(grey.astype(np.uint8)).save(folder / "grey" / mask.name)
    return folder


def test_two_folders_are_compared_and_saved(call, trained, maps, tmp_path):
    folders = (str(maps / "grey"), str(maps / "perfect"))
    done = call(trained, "compare", *folders, "dataset=sample", f"output={tmp_path / 'out'}")
    assert f"before: maps of {folders[0]}" in done.stdout
    saved = json.loads((tmp_path / "out/comparison.json").read_text())
    (groups,) = saved["sets"].values()
    mae = groups[0]["differences"]["mae"]
    assert groups[0]["group"] == "all pictures" and groups[0]["pictures"] == 32
    assert (mae["gains"], mae["losses"]) == (32, 0) and mae["after"] < 0.001 < 0.3 < mae["before"]
    assert groups[0]["failures"]["cured"] == groups[0]["failures"]["before"]
    for text in (done.stdout, (tmp_path / "out/comparison.md").read_text()):
        assert f"{mae['middle']:+.5f}" in text and "better" in text and "Yuen 1974" in text
    turned = call(trained, "compare", *folders[::-1], "dataset=sample")
    assert f"{-mae['middle']:+.5f}" in turned.stdout and "worse" in turned.stdout


def test_a_checkpoint_beside_maps_and_held_out_pairs(call, trained, maps):
    checkpoint = str(next((trained / "checkpoints").glob("*.safetensors")))
    done = call(trained, "compare", checkpoint, str(maps / "perfect"), "dataset=sample")
    assert "before: checkpoints" in done.stdout.replace(f"{trained}/", "")
    assert "by PyTorch fp32" in done.stdout and "sample, 32 pictures" in done.stdout
    done = call(
        trained, "compare", checkpoint, "last", "dataset=sample_train", "held_out=0.3"
    )  # the same file twice
    assert "+0.00000 ± 0.00000" in done.stdout and "held out" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("best", "dataset=sample"), "salient compare A B dataset=ecssd"),
        (("best", "fast", "best", "dataset=sample"), "salient compare A B dataset=ecssd"),
        (("best", "fast"), "salient compare A B dataset=ecssd"),
        (("nothing", "best", "dataset=sample"), "nothing: no such file"),
    ],
)
def test_what_is_missing_is_named(call, trained, arguments, said):
    assert said in call(trained, "compare", *arguments, fails=True).stderr
