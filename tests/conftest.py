"""Fixtures of all tests; what they are made of lies in `tests/fixtures`."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for its version

import torch

from salient.sample.draw import write_sample
from tests.fixtures import commands, exports, modelscope, networks
from tests.fixtures.schedule import (  # noqa: F401
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
)

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
    return commands.run_command


@pytest.fixture(scope="session")
def call():
    """Calls a verb in a folder, in this process: quicker than `run`, which starts a new one."""
    return commands.call_verb


@pytest.fixture(scope="session")
def trained(call, tmp_path_factory) -> Path:
    """A working folder in which a two-epoch run published checkpoints/demo.safetensors."""
    folder = tmp_path_factory.mktemp("work")
    call(folder, "train", *commands.QUICK, "trainer.max_epochs=2")
    return folder


@pytest.fixture(scope="session")
def modelscope_state() -> dict[str, torch.Tensor]:
    """ModelScope's checkpoint with reproducible weights."""
    return modelscope.fill_state()


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """A folder with a.safetensors, a.onnx and a.pt2 of one network, and what was said."""
    folder = tmp_path_factory.mktemp("exported")
    exports.export_small_network(folder)
    return folder


@pytest.fixture
def small_network():
    """Builds a network of 0.1 M decoder weights; keyword arguments change its widths."""
    return networks.small_network


@pytest.fixture
def composed(tmp_path):
    """Composes a config of `configs/` as its command would, resolved to plain dicts."""
    return functools.partial(commands.compose_config, tmp_path / "run")
