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
from conftest import QUICK, ROOT
from PIL import Image

from salient.weights import read_metadata


def test_train_publishes_weights_and_leaves_a_run_folder(trained):
    metadata = read_metadata(trained / "checkpoints/demo.safetensors")
    config = json.loads(metadata["config"])
    assert config["data"]["size"] == 64 and json.loads(metadata["versions"])["torch"]
    assert 0 < json.loads(metadata["validation"])["val/mae"] < 1
    (folder,) = (trained / "runs/demo").iterdir()
    names = {path.name for path in folder.iterdir()}
    assert {"last.ckpt", "train.log", ".hydra"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)


def test_predict_writes_maps_of_the_pictures_sizes(run, trained):
    images = trained / "data/sample/test/images"
    run(trained, "predict.py", f"input={images}", "output=maps")
    for path in images.iterdir():
        with Image.open(path) as picture, Image.open(trained / "maps" / path.name) as saliency:
            assert saliency.mode == "L" and saliency.size == picture.size
    one = sorted(images.iterdir())[3]
    run(trained, "predict.py", f"input={one}", "output=one")
    a, b = (np.asarray(Image.open(trained / f / one.name)) for f in ("maps", "one"))
    assert np.abs(a.astype(int) - b).max() <= 1  # alone or in a batch
    run(trained, "predict.py", f"input={images}/000*.png", "output=some")
    assert len(list((trained / "some").iterdir())) == 10
    done = run(trained, "predict.py", "input=nowhere", fails=True)
    assert "error: input=nowhere: no pictures" in done.stderr


def test_resume_continues_the_same_schedule(run, trained):
    """Killed after epoch 0 and continued: the figures of the uninterrupted run."""
    quick = (*QUICK, "trainer.max_epochs=2", "name=halves")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *quick],
        cwd=trained,
        env=environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not (found := list((trained / "runs/halves").glob("*/last.ckpt"))):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run(trained, "train.py", *quick, f"resume={found[0]}")
    figures = [
        json.loads(read_metadata(trained / f"checkpoints/{name}.safetensors")["validation"])
        for name in ("demo", "halves")
    ]
    assert figures[0] == pytest.approx(figures[1], abs=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("data_root=nowhere",), "no folders nowhere/DUTS-TR/DUTS-TR-Image"),
        (("trainer.max_epochs=three", "data=sample"), "trainer.max_epochs: 'three'"),
    ],
)
def test_train_refuses_in_one_line(run, tmp_path, arguments, message):
    done = run(tmp_path, "train.py", *arguments, "model=lite", fails=True)
    assert message in done.stderr and "Traceback" not in done.stderr


def test_train_falls_back_to_the_sample_with_a_banner(run, tmp_path):
    done = run(tmp_path, "train.py", "model=lite", "trainer.max_epochs=0", fails=True)
    assert "data/DUTS-TR is not there" in done.stdout and "data/README.md" in done.stdout
    assert "trainer.max_epochs must be at least 1" in done.stderr
    assert (tmp_path / "data/sample/train/images").is_dir()
