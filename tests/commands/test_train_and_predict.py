"""train.py, eval.py and predict.py as a user runs them, on the embedded sample."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from salient.weights.store import read_metadata
from tests.fixtures.commands import ENVIRONMENT, QUICK, ROOT


def test_train_publishes_weights_and_leaves_a_run_folder(trained):
    metadata = read_metadata(trained / "checkpoints/demo.safetensors")
    config = json.loads(metadata["config"])
    assert config["loader"]["size"] == 64 and json.loads(metadata["versions"])["torch"]
    assert 0 < json.loads(metadata["validation"])["val/mae"] < 1
    assert float(metadata["hours"]) < 1 and json.loads(metadata["record"])["cores"] >= 1
    assert str(trained) not in metadata["config"]
    (folder,) = (trained / "runs/demo").iterdir()
    names = {path.name for path in folder.iterdir()}
    assert {"last.ckpt", "train.log", ".hydra"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Pictures in a folder and one inside it, with a broken one, a text and a hidden file."""
    folder = tmp_path_factory.mktemp("album")
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (40, 60)), ("b.jpg", (70, 30)), ("inner/a.webp", (33, 44))):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(path)
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_predict_keeps_a_folders_structure_and_the_pictures_sizes(call, trained, album):
    call(trained, "predict", f"input={album}", "output=maps", "precision=fp32")
    written = {str(p.relative_to(trained / "maps")) for p in (trained / "maps").rglob("*.*")}
    assert written == {"a.png", "b.png", "inner/a.png"}
    for name, size in (("a.png", (60, 40)), ("b.png", (30, 70)), ("inner/a.png", (44, 33))):
        with Image.open(trained / "maps" / name) as saliency:
            assert saliency.mode == "L" and saliency.size == size
    done = call(trained, "predict", f"input={album}", "output=maps", fails=True)
    assert "3 of 3 files already exist" in done.stderr and "overwrite=true" in done.stderr
    call(trained, "predict", f"input={album}/a.png", "output=one", "precision=fp32")
    a, b = (np.asarray(Image.open(trained / folder / "a.png")) for folder in ("maps", "one"))
    assert np.abs(a.astype(int) - b).max() <= 1  # by itself or in a batch
    call(trained, "predict", f"input={album}/**/*.webp", "output=some")
    assert [p.name for p in (trained / "some").iterdir()] == ["a.png"]
    done = call(trained, "predict", "input=nowhere", fails=True)
    assert "error: input=nowhere: no such file or folder" in done.stderr


def test_predict_does_the_rest_and_reports_what_failed(call, trained, album, tmp_path):
    for name in ("0.png", "z.jpg"):
        (tmp_path / name).write_bytes((album / "b.jpg").read_bytes()[:200])
    (tmp_path / "good.jpg").write_bytes((album / "b.jpg").read_bytes())
    done = call(trained, "predict", f"input={tmp_path}", "output=rest", fails=True)
    assert "error: 2 of 3 pictures failed" in done.stderr and "Traceback" not in done.stderr
    assert "0.png: not a readable picture" in done.stderr and "z.jpg: not" in done.stderr
    assert [p.name for p in (trained / "rest").iterdir()] == ["good.png"]


@pytest.mark.parametrize(
    ("mode", "layers"), [("cutout", 4), ("overlay", 3), ("mask", 1), ("edges", 1)]
)
def test_modes(call, trained, album, mode, layers):
    call(trained, "predict", f"input={album}/a.png", f"output={mode}", f"mode={mode}")
    with Image.open(trained / mode / "a.png") as image, Image.open(album / "a.png") as picture:
        written, given = np.asarray(image), np.asarray(picture)
    assert written.shape == (40, 60, layers)[: 3 if layers > 1 else 2]
    if mode == "cutout":
        solid = written[..., 3] == 255
        np.testing.assert_array_equal(written[solid][:, :3], given[solid])
        assert not written[written[..., 3] == 0].any()
    if mode == "mask":
        assert set(np.unique(written)) <= {0, 255}


def test_resume_continues_the_same_schedule(call, trained):
    """Killed after epoch 0 and continued: the figures of the uninterrupted run."""
    quick = (*QUICK, "trainer.max_epochs=2", "name=halves")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *quick],
        cwd=trained,
        env=os.environ | ENVIRONMENT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not (found := list((trained / "runs/halves").glob("*/last.ckpt"))):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    call(trained, "train", *quick, f"resume={found[0]}")
    figures = [
        json.loads(read_metadata(trained / f"checkpoints/{name}.safetensors")["validation"])
        for name in ("demo", "halves")
    ]
    assert figures[0] == pytest.approx(figures[1], abs=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("data_root=nowhere",), "no folders nowhere/DUTS-TR/DUTS-TR-Image"),
        (
            ("trainer.max_epochs=three", "dataset=sample_train"),
            "trainer.max_epochs must be an integer, got 'three'",
        ),
    ],
)
def test_train_refuses_in_one_line(call, tmp_path, arguments, message):
    done = call(tmp_path, "train", *arguments, "model=lite", fails=True)
    assert message in done.stderr and "Traceback" not in done.stderr


def test_train_falls_back_to_the_sample_with_a_banner(call, tmp_path):
    done = call(tmp_path, "train", "model=lite", "trainer.max_epochs=0", fails=True)
    assert "data/DUTS-TR is missing" in done.stdout and "data/README.md" in done.stdout
    assert "trainer.max_epochs must be at least 1" in done.stderr
    assert not (tmp_path / "data").exists()  # the values are checked first
