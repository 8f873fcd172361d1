"""Loggers, callbacks, sweeps and joint sets from the command line, and the files of a run."""

from __future__ import annotations

import csv
import dataclasses
import json
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning.utilities.exceptions import SIGTERMException
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from salient.model.boundary import BoundaryNetwork
from salient.training import run as run_module
from salient.training.callbacks import LastCheckpoint
from salient.weights.store import read_metadata
from tests.fixtures.commands import QUICK, ROOT

STEP = ("trainer.max_epochs=1", "trainer.limit_train_batches=1", "trainer.limit_val_batches=1")


@pytest.fixture(scope="module")
def swept(call, tmp_path_factory):
    """Two runs of one command, with more loggers and callbacks."""
    folder = tmp_path_factory.mktemp("sweep")
    extras = ("logger=[tensorboard,csv]", "callbacks=[default,early_stopping,best]")
    sweep = ("-m", "model.optimizer.lr=0.002,0.0005", "model.loss.edge=0.5")
    call(folder, "train", *QUICK, *extras, *sweep, "trainer.max_epochs=2")
    return folder


def test_every_job_of_a_sweep_has_its_own_folder_and_checkpoint(swept):
    (sweep,) = (swept / "runs/demo").iterdir()
    rates = {}
    for job in ("0", "1"):
        names = {path.name for path in (sweep / job).iterdir()}
        assert {"last.ckpt", "best.ckpt", "metrics.csv", "record.json", "train.log"} <= names
        metadata = read_metadata(swept / f"checkpoints/demo-{job}.safetensors")
        config = json.loads(metadata["config"])
        rates[job] = config["model"]["optimizer"]["lr"]
        assert metadata["name"] == f"demo-{job}" and str(swept) not in str(metadata)
    assert rates == {"0": 0.002, "1": 0.0005}
    assert not (swept / "checkpoints/demo.safetensors").exists()


def test_a_csv_logger_has_the_figures_of_validation_and_the_end(swept):
    (file,) = (swept / "runs/demo").glob("*/0/metrics.csv")
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    assert sum(bool(row["val/mae"]) for row in rows) == 2
    validated = [float(row["val/mae"]) for row in rows if row["val/mae"]]
    (final,) = [float(row["final/mae"]) for row in rows if row["final/mae"]]
    assert final == pytest.approx(validated[-1])


def test_a_logger_that_is_not_installed_is_named(call, tmp_path):
    for logger in ("wandb", "mlflow"):
        if find_spec(logger):
            pytest.skip(f"{logger} is installed")
        done = call(tmp_path, "train", *QUICK, f"logger={logger}", fails=True)
        expected = f"error: logger.{logger}: needs a package that is not installed; pip install"
        assert f"{expected} {logger}" in done.stderr and "Traceback" not in done.stderr


def test_checkpoints_keep_the_names_by_which_older_runs_resume(trained):
    """Lightning finds the state of a callback by its class and arguments, so a rename loses it."""
    (last,) = (trained / "runs/demo").glob("*/last.ckpt")
    saved = torch.load(last, weights_only=True)
    names = {key.partition("{")[0] for key in saved["callbacks"]}
    assert names == {"LastCheckpoint", "Timer", "WeightAveraging"}
    assert saved["format"] == "salient" and all(
        key.startswith("network.") for key in saved["state_dict"]
    )


def test_lightnings_own_launcher_starts_the_verb_again(run, tmp_path):
    """`salient train trainer=ddp` without torchrun: Lightning starts the second process itself."""
    devices = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "name=ddp")
    run(tmp_path, "-m", "salient", "train", *QUICK, *devices, *STEP)
    assert (tmp_path / "checkpoints/ddp.safetensors").is_file()


def test_defaults_are_written_once(composed):
    """The network's own defaults are the published architecture: those of the YAML."""
    node = composed("train")["model"]["network"]
    for field in dataclasses.fields(BoundaryNetwork.Dimensions):
        if field.name in node and field.name != "encoder":
            value = node[field.name]
            assert (tuple(value) if isinstance(value, list) else value) == field.default, field.name
    assert (ROOT / "configs/train.yaml").is_file()


def test_an_interrupted_run_names_its_own_checkpoint(tmp_path):
    """Not that of the run it resumed, whose path is still in the state of the callback."""
    last = LastCheckpoint(tmp_path / "mine")
    last.best_model_path = "another/last.ckpt"

    def interrupted(*_, **__):
        raise SIGTERMException

    trainer = SimpleNamespace(fit=interrupted, callbacks=[last])
    with pytest.raises(SystemExit, match=f"resume={tmp_path}/mine/last.ckpt"):
        run_module._fit(trainer, None, None, None)


def test_the_runs_of_a_sweep_are_rows_of_one_table(swept):
    """TensorBoard's HPARAMS: the same columns for each run, what was swept over and the figures."""
    columns, figures = {}, {}
    for job in ("0", "1"):
        (folder,) = (swept / "runs/demo").glob(f"*/{job}")
        for file in folder.glob("events.*"):
            for event in EventFileLoader(str(file)).Load():
                for value in event.summary.value:
                    content = HParamsPluginData()
                    if value.tag.startswith("_hparams_/"):
                        content.ParseFromString(value.metadata.plugin_data.content)
                    if value.tag == "_hparams_/session_start_info":
                        columns[job] = dict(content.session_start_info.hparams)
                    if value.tag == "_hparams_/experiment":
                        figures[job] = {info.name.tag for info in content.experiment.metric_infos}
    expected = {"final/mae", "final/sm", "final/max_f", "final/weighted_f"}
    assert figures == {"0": expected, "1": expected}
    assert columns["0"].keys() == columns["1"].keys() >= {"lr", "experiment", "encoder", "seed"}
    assert columns["0"].keys() >= {"model.loss.edge", "pairs"}
    assert [columns[job]["lr"].number_value for job in ("0", "1")] == [0.002, 0.0005]
    (table,) = (swept / "runs/demo").glob("*/sweep.csv")
    with table.open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["run"], line["model.optimizer.lr"]) for line in lines] == [
        ("0", "0.002"), ("1", "0.0005")
    ]  # fmt: skip
    assert all(0 < float(line["mae"]) < 1 and Path(line["file"]).name for line in lines)
    record = json.loads((table.parent / "1/record.json").read_text())
    assert "model.optimizer.lr=0.0005" in record["command"]


def test_two_runs_of_one_name_in_one_second_keep_apart(call, tmp_path, monkeypatch):
    """Each has a folder; the second publishes under a numbered name, unless overwrite=true."""
    monkeypatch.setattr("hydra.core.utils.datetime", Frozen)
    for _ in range(2):
        call(tmp_path, "train", *QUICK, *STEP, "overwrite=false")
    runs = sorted(path.name for path in (tmp_path / "runs/demo").iterdir())
    assert runs == ["2026-01-01_00-00-00", "2026-01-01_00-00-00-2"]
    for run in runs:
        files = {path.name for path in (tmp_path / "runs/demo" / run).iterdir()}
        assert {"last.ckpt", "record.json", "train.log", ".hydra"} <= files
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {"demo.safetensors", "demo-2.safetensors"}
    log = (tmp_path / "runs/demo" / runs[1] / "train.log").read_text()
    assert "demo.safetensors already exists and is kept; overwrite=true" in log
    assert read_metadata(tmp_path / "checkpoints/demo-2.safetensors")["name"] == "demo-2"
    before = (tmp_path / "checkpoints/demo.safetensors").read_bytes()
    call(tmp_path, "train", *QUICK, *STEP, "overwrite=true", "seed=1")
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    assert (tmp_path / "checkpoints/demo.safetensors").read_bytes() != before


class Frozen:
    """A clock that does not move."""

    @staticmethod
    def now():
        return datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("trainer.max_epochs=5",), "it was planned for 10 steps, this run for 25; use the opt"),
        (("model.network.context=32",), "its network has context 48, this one 32; use the opt"),
    ],
)
def test_a_run_is_resumed_only_with_its_own_options(call, trained, change, line):
    (last,) = (trained / "runs/demo").glob("*/last.ckpt")
    done = call(trained, "train", *QUICK, "name=x", *change, f"resume={last}", fails=True)
    assert f"error: resume={last}: {line}" in done.stderr and "\n" not in done.stderr.strip()


def test_a_run_that_ended_before_it_published_is_published_as_it_was(call, trained):
    """Killed after the last epoch's checkpoint; resumed, there is nothing left to train."""
    (last,) = (trained / "runs/demo").glob("*/last.ckpt")
    place = ("name=late", "publish_to=late")
    call(trained, "train", *QUICK, "trainer.max_epochs=2", *place, f"resume={last}")
    files = (trained / "checkpoints/demo.safetensors", trained / "late/late.safetensors")
    first, late = (json.loads(read_metadata(file)["validation"]) for file in files)
    assert late == first and "val/mae" in late
    first, late = (load_file(file) for file in files)  # both averaged
    assert all(torch.equal(first[name], late[name]) for name in first)


def test_a_network_is_no_run_to_resume(call, trained):
    file = "checkpoints/demo.safetensors"
    done = call(trained, "train", *QUICK, "name=x", f"resume={file}", fails=True)
    assert f"error: resume={file}: contains a network, not a run; use start=" in done.stderr


def test_a_run_that_cannot_publish_is_refused_before_it_trains(call, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = call(tmp_path, "train", *QUICK, "publish_to=file", fails=True)
    assert "there is a file where a folder is needed" in done.stderr
    assert (tmp_path / "file").read_text() == "mine" and not (tmp_path / "data").exists()
