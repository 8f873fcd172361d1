"""ModelScope's checkpoint with reproducible weights."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

ORACLE = Path(__file__).parents[1] / "oracle" / "modelscope"


@pytest.fixture(scope="session")
def golden():
    """An input and the original network's outputs for these weights."""
    return np.load(ORACLE / "golden.npz")


@pytest.fixture(scope="session")
def modelscope_state() -> dict[str, torch.Tensor]:
    spec = importlib.util.spec_from_file_location("fill", ORACLE / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    keys = json.loads((ORACLE / "keys.json").read_text())
    return {name: torch.from_numpy(np.asarray(x)) for name, x in module.fill(keys, seed=0).items()}
