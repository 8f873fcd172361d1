"""Sweeps whose runs are other processes', started by a launcher such as submitit."""

from __future__ import annotations

import csv
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import OmegaConf

from salient.cli.run import Job, register_resolvers
from salient.commands.train import add_to_sweep
from salient.training.run import Trained
from tests.fixtures.commands import QUICK


def test_a_launcher_can_send_the_verb_to_another_process(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(ConfigLoaderImpl, "_apply_overrides_to_config", None)
    sent = pickle.dumps(Job("train", {"name": "a"}, True))
    monkeypatch.setattr(sys, "argv", ["launcher.py", "folder"])
    OmegaConf.clear_resolver("word")
    try:
        job = pickle.loads(sent)
        assert OmegaConf.has_resolver("word")
    finally:
        register_resolvers()
    assert (job.verb, job.given, job.traceback) == ("train", {"name": "a"}, True)
    assert ConfigLoaderImpl._apply_overrides_to_config is not None
    assert sys.argv == ["train.py"]  # record.json has it


def test_runs_that_end_together_are_all_in_the_table(tmp_path):
    def add(number):
        trained = Trained(Path(f"{number}.safetensors"), {"val/mae": number / 10}, [])
        add_to_sweep(tmp_path, number, [f"seed={number}"], trained)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, reversed(range(16))))
    with (tmp_path / "sweep.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert [line["run"] for line in lines] == [str(number) for number in range(16)]
    assert lines[3] == {"run": "3", "seed": "3", "mae": "0.3", "file": "3.safetensors"}


@pytest.mark.slow
def test_submitit_runs_a_sweep_here(run, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    sweep = ("-m", "hydra/launcher=submitit_local", "model.optimizer.lr=0.002,0.0005")
    run(tmp_path, "train.py", *QUICK, "trainer.max_epochs=1", *sweep)
    (table,) = (tmp_path / "runs/demo").glob("*/sweep.csv")
    with table.open() as stream:
        lines = list(csv.DictReader(stream))
    assert [line["model.optimizer.lr"] for line in lines] == ["0.002", "0.0005"]
    for line in lines:
        assert (tmp_path / line["file"]).is_file()
        record = json.loads((table.parent / line["run"] / "record.json").read_text())
        assert record["command"][0].endswith("train.py")
