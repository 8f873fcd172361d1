"""train.py, eval.py and predict.py as a user runs them, on the embedded sample."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from salient.weights import read_metadata

ROOT = Path(__file__).parents[1]
QUICK = ("experiment=demo", "data.size=64", "data.batch_size=16", "data.workers=0")
QUICK += ("trainer.check_val_every_n_epoch=1", "trainer.progress=false")


def run(folder: Path, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / arguments[0]), *arguments[1:]]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A working folder in which a two-epoch run published checkpoints/demo.safetensors."""
    folder = tmp_path_factory.mktemp("work")
    run(folder, "train.py", *QUICK, "trainer.max_epochs=2")
    return folder


def test_train_publishes_weights_and_leaves_a_run_folder(trained):
    metadata = read_metadata(trained / "checkpoints/demo.safetensors")
    config = json.loads(metadata["config"])
    assert config["data"]["size"] == 64 and json.loads(metadata["versions"])["torch"]
    assert 0 < json.loads(metadata["validation"])["val/mae"] < 1
    (folder,) = (trained / "runs/demo").iterdir()
    names = {path.name for path in folder.iterdir()}
    assert {"last.ckpt", "train.log", ".hydra"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)


def test_eval_prints_and_saves_the_table_with_a_baseline(trained):
    done = run(trained, "eval.py", "dataset=sample", "baseline=true", "output=out", "workers=0")
    results = json.loads((trained / "out/results.json").read_text())
    baseline, ours = results["rows"]
    assert (baseline["method"], ours["method"]) == ("centred Gaussian", "ours")
    assert ours["pairs"] == 32 and all(0 <= ours[k] <= 1 for k in ("mae", "sm", "max_f"))
    assert f"{ours['weighted_f']:.4f}" in done.stdout
    assert (trained / "out/table.md").read_text().count("|") > 20


def test_eval_of_a_folder_and_of_missing_sets(trained):
    sample = trained / "data/sample/test"
    folder = [f"images={sample}/images", f"masks={sample}/masks", "name=mine", "workers=0"]
    done = run(trained, "eval.py", "dataset=folder", *folder, "output=mine")
    assert "mine" in done.stdout
    done = run(trained, "eval.py", "dataset=ecssd", fails=True)
    assert "error: ECSSD: no folders data/ECSSD/images" in done.stderr
    assert "cse.cuhk.edu.hk" in done.stderr and "Traceback" not in done.stderr
    done = run(trained, "eval.py", "dataset=[sod,sample]", "workers=0", "output=both")
    assert "not scored: SOD: no folders" in done.stdout and "sample" in done.stdout
    done = run(trained, "eval.py", "dataset=all", fails=True)
    assert done.stderr.count("no folders") == 7


def test_predict_writes_maps_of_the_pictures_sizes(trained):
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


def test_resume_continues_the_same_schedule(trained):
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
def test_train_refuses_in_one_line(tmp_path, arguments, message):
    done = run(tmp_path, "train.py", *arguments, "model=lite", fails=True)
    assert message in done.stderr and "Traceback" not in done.stderr


def test_train_falls_back_to_the_sample_with_a_banner(tmp_path):
    done = run(tmp_path, "train.py", "model=lite", "trainer.max_epochs=0", fails=True)
    assert "data/DUTS-TR is not there" in done.stdout and "data/README.md" in done.stdout
    assert "trainer.max_epochs must be at least 1" in done.stderr
    assert (tmp_path / "data/sample/train/images").is_dir()
