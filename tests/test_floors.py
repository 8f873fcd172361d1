"""Imports go strictly downward, and the detector carries neither Lightning nor Hydra."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = [
    "config losses modelscope data.images data.scenes data.transforms model.blocks model.tensors",
    "metrics results data.pairs data.sample model.encoder model.decoder",
    "data.cache data.dataset model.network benchmark benchmark_metrics report",
    "data.datamodule weights scoring task",
    "detector callbacks watch",
    "trainer benchmark_training benchmark_detector export",
]
COMMANDS = ("train.py", "eval.py", "predict.py")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def floor_of(module: str) -> int | None:
    for floor, names in enumerate(FLOORS):
        for name in names.split():
            if module == f"salient.{name}" or module.startswith(f"salient.{name}."):
                return floor
    return None


def test_every_module_has_a_floor_and_imports_strictly_downward():
    for path in (ROOT / "salient").rglob("*.py"):
        if path.name == "__init__.py":
            continue
        module = module_of(path)
        floor = floor_of(module)
        assert floor is not None, f"{module} has no floor in {Path(__file__).name}"
        for imported in imports_of(path):
            below = floor_of(imported)
            same_package = module.startswith("salient.metrics") and imported.startswith(
                "salient.metrics"
            )
            if below is not None and not same_package:
                assert below < floor, f"{module} imports {imported}"


def test_only_the_commands_know_hydra():
    for path in (ROOT / "salient").rglob("*.py"):
        names = {name.split(".")[0] for name in imports_of(path)}
        assert not names & {"hydra", "omegaconf"}, path


def test_importing_the_detector_pulls_in_neither_lightning_nor_hydra():
    program = (
        "import sys, salient; salient.Detector; "
        "print([m for m in sys.modules if m.split('.')[0] in ('pytorch_lightning', 'hydra')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_files_stay_readable():
    """About 200 lines a file; over 260 it is time to divide it."""
    for path in [*(ROOT / "salient").rglob("*.py"), *(ROOT / name for name in COMMANDS)]:
        lines = len(path.read_text().splitlines())
        assert lines <= 260, f"{module_of(path)} has {lines} lines"
