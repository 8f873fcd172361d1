"""Small pairs, small networks, composed configs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf, open_dict
from salient.data.sample import write_sample

from salient.model.encoder import Encoder
from salient.model.network import SaliencyNetwork

ROOT = Path(__file__).parents[1]
torch.set_num_threads(1)  # a process on each core


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory) -> Path:
    """A data root that holds the embedded sample, drawn once."""
    root = tmp_path_factory.mktemp("data")
    write_sample(root / "sample")
    return root


@pytest.fixture(scope="session")
def run():
    """Runs a command of the project in a folder, as a user does."""

    def run_command(folder: Path, *arguments: str, fails: bool = False) -> Any:
        command = [sys.executable, str(ROOT / arguments[0]), *arguments[1:]]
        if arguments[0] == "-m":
            command = [sys.executable, *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done

    return run_command


QUICK = ("experiment=demo", "data.size=64", "data.batch_size=16", "data.workers=0")
QUICK += ("checkpoints=checkpoints", "trainer.check_val_every_n_epoch=1", "trainer.progress=false")


@pytest.fixture(scope="session")
def trained(run, tmp_path_factory) -> Path:
    """A working folder in which a two-epoch run published checkpoints/demo.safetensors."""
    folder = tmp_path_factory.mktemp("work")
    run(folder, "train.py", *QUICK, "trainer.max_epochs=2")
    return folder


@pytest.fixture
def small_network():
    """Builds a network of 0.1 M decoder weights; keyword arguments change its widths."""

    def build(encoder: str = "resnet10t", **changes: Any) -> SaliencyNetwork:
        widths = dict(context=16, branch=8, head=8, fine=(8, 16), group=8, enhance=8, size=64)
        return SaliencyNetwork(Encoder(encoder, "none"), **(widths | changes))

    return build


@pytest.fixture
def composed(tmp_path):
    """Composes a config of `configs/` as its command would, resolved to plain dicts."""

    def compose_config(name: str, *overrides: str) -> dict[str, Any]:
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            config = compose(name, list(overrides), return_hydra_config=True)
        with open_dict(config):
            config.hydra.runtime.output_dir = str(tmp_path / "run")
        HydraConfig.instance().set_config(config)
        with open_dict(config):
            del config["hydra"]
        return OmegaConf.to_container(config, resolve=True)

    return compose_config
