"""experiment=finetune as a user with thirty pairs runs it."""

from __future__ import annotations

import json
import shutil

import pytest

from salient.weights.store import read_metadata

START = ("train", "experiment=finetune", "start=checkpoints/demo.safetensors")
QUICK = ("trainer.enable_progress_bar=false", "loader.workers=0", "trainer.max_epochs=1")


@pytest.fixture(scope="module")
def thirty(trained):
    """The arguments that name thirty pairs of the sample."""
    for part in ("images", "masks"):
        (trained / "thirty" / part).mkdir(parents=True)
        for path in sorted((trained / "data/sample/train" / part).iterdir())[:30]:
            shutil.copy(path, trained / "thirty" / part)
    return "images=thirty/images", "masks=thirty/masks"


def test_thirty_pairs_end_in_a_row_before_and_a_row_after(call, trained, thirty):
    call(trained, *START, *thirty, *QUICK, "name=mine")
    metadata = read_metadata(trained / "checkpoints/mine.safetensors")
    config = json.loads(metadata["config"])
    assert metadata["pairs"] == "24" and config["loader"]["size"] == 64  # the checkpoint's own
    assert json.loads(metadata["network"])["encoder"] == "mobilenetv4_conv_small"
    (folder,) = (trained / "runs/mine").iterdir()
    results = json.loads((folder / "comparison/results.json").read_text())
    assert [(row["method"], row["pairs"]) for row in results["rows"]] == [
        ("before", 6),
        ("after", 6),
    ]
    validation = json.loads(metadata["validation"])
    assert results["rows"][1]["mae"] == pytest.approx(validation["val/mae"], abs=1e-4)
    assert results["verdict"] in (folder / "train.log").read_text()
    assert (folder / "comparison/report.html").stat().st_size > 50_000
    assert len(list((folder / "comparison/maps/after").iterdir())) == 6


def test_the_folds_of_a_sweep_make_one_set(call, trained, thirty):
    call(trained, START[0], "-m", *START[1:], *thirty, *QUICK, "name=folds", "loader.fold=0,4")
    (sweep,) = (trained / "runs/folds").iterdir()
    assert [len(list((sweep / "maps" / k).iterdir())) for k in ("before", "after")] == [12, 12]
    assert (sweep / "1/comparison/report.html").is_file()


def test_a_comparison_needs_something_to_compare_with(call, tmp_path):
    done = call(tmp_path, "train", "dataset=sample_train", "compare=true", fails=True)
    assert "error: compare: needs start=CHECKPOINT" in done.stderr
