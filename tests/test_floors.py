"""Imports go strictly downward, light wings stay light, and importing changes nothing."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.fixtures.commands import ROOT

FLOORS = [
    "distribution",
    "remote",
    "arrays files devices config lazy",
    "metrics data model tensors",
    "sample weights",
    "detection",
    "films scoring serving",
    "training scale",
    "export",
    "cli",
    "commands",
]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in (ROOT / "salient").rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
}


@functools.cache
def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def wing_of(module: str) -> str:
    return module.split(".")[1]


def floor_of(module: str) -> int:
    (floor,) = (k for k, wings in enumerate(FLOORS) if wing_of(module) in wings.split())
    return floor


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_strictly_downward(module):
    for imported in imports_of(MODULES[module]) & MODULES.keys():
        if wing_of(imported) != wing_of(module):
            assert floor_of(imported) < floor_of(module), f"{module} imports {imported}"


def test_within_a_wing_nothing_runs_in_circles():
    graph = {name: imports_of(path) & MODULES.keys() for name, path in MODULES.items()}
    assert list(TopologicalSorter(graph).static_order())


def test_only_the_commands_know_hydra_and_only_training_knows_lightning():
    for module, path in MODULES.items():
        outside = {name.split(".")[0] for name in imports_of(path)}
        if wing_of(module) not in ("cli", "commands"):
            assert not outside & {"hydra", "omegaconf"}, module
        if wing_of(module) not in ("training", "cli", "commands"):
            assert not outside & {"pytorch_lightning", "albumentations"}, module
        if module not in ("salient.films.reader", "salient.films.writer"):
            assert "av" not in outside, module
    (alone,) = [m for m, p in MODULES.items() if "albumentations" in imports_of(p) and "Compose(" in
                p.read_text()]  # fmt: skip
    assert alone == "salient.training.augmentation"


def test_metrics_read_no_file():
    for module, path in MODULES.items():
        if wing_of(module) == "metrics":
            assert not imports_of(path) & {"pathlib", "PIL", "io", "os"}, module
            assert "imread" not in path.read_text() and "open(" not in path.read_text(), module


def run_python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [
        (
            "salient.detection.folders, salient.detection.modes, salient.detection.cutout",
            "torch timm safetensors numba matplotlib torchmetrics onnx",
        ),
        ("salient.scoring.score, salient.scoring.sources", "torch matplotlib torchmetrics"),
        (
            "salient.commands.predict, salient.cli.run",
            "torch timm safetensors numba matplotlib torchmetrics onnx",
        ),
        ("salient.commands.compare, salient.cli.run", "torch timm safetensors matplotlib"),
        ("salient.commands.serve, salient.cli.run", "starlette uvicorn matplotlib numba"),
        ("salient.commands.eval, salient.cli.run", "torch timm torchmetrics matplotlib jinja2"),
        ("salient.metrics", "torch torchmetrics hydra PIL"),
        ("salient.cli.main", "torch numpy hydra omegaconf cv2"),
    ],
)
def test_light_rooms_stay_light(imported, unwanted):
    unwanted = f"{unwanted} pytorch_lightning albumentations tensorboard av"
    if "commands" not in imported:
        unwanted += " hydra omegaconf"
    program = f"import sys, {imported}; print([m for m in {unwanted.split()} if m in sys.modules])"
    assert run_python(program) == "[]"


def test_importing_changes_nothing_outside():
    """Third parties may change what they like; ours must leave it so."""
    program = f"""
import importlib, os, signal, warnings
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
import albumentations, cv2, hydra, matplotlib.figure, numba, pytorch_lightning, tensorboard
import timm, torch, torchmetrics
from pytorch_lightning.loggers import TensorBoardLogger
from PIL import Image
from torch.export import Dim

def state():
    return (
        dict(os.environ), torch.get_num_threads(), cv2.getNumThreads(), list(warnings.filters),
        Image.MAX_IMAGE_PIXELS, signal.getsignal(signal.SIGINT), torch.get_default_dtype(),
    )

before = state()
for module in {sorted(MODULES)}:
    importlib.import_module(module)
print([a == b for a, b in zip(before, state())])
"""
    assert set(run_python(program).strip("[]").split(", ")) == {"True"}


def test_files_stay_readable():
    """About 200 lines a file; over 260 it is time to divide it."""
    for module, path in MODULES.items():
        lines = len(path.read_text().splitlines())
        assert lines <= 260, f"{module} has {lines} lines"
