"""Say what is installed, what computes, what detects, and which sets are there."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Iterator
from typing import Any

from packaging.requirements import Requirement

import salient
from salient.commands.build import build_sets
from salient.commands.cli import run
from salient.config import Word
from salient.data.sets import PairSet
from salient.devices import cores, pick_device, pick_precision, precision_name
from salient.weights.store import find_checkpoint, read_metadata


def doctor(
    data_root: str,
    name: Word,
    images: str | None,
    masks: str | None,
    dataset: dict[str, Any] | None = None,
) -> None:
    """Print a line for each thing that a run depends on."""
    for topic, finding in findings(data_root, dataset or {}):
        print(f"{topic:<14}{finding}")


def findings(data_root: str, dataset: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(topic, finding) in words."""
    device = pick_device()
    precision = precision_name(pick_precision(device))
    yield "salient", f"{salient.__version__}, Python {platform.python_version()}"
    yield "computes", f"on {device} in {precision}, {cores()} cores"
    yield from _extras()
    path = find_checkpoint()
    network = json.loads(read_metadata(path).get("network", "{}"))
    about = f"{network.get('encoder', 'unknown network')}, {network.get('size', '?')} px"
    yield "detects with", f"{path}: {about}"
    for pair_set in build_sets(dataset):
        yield pair_set.title, _state(pair_set, data_root)


def _state(pair_set: PairSet, data_root: str) -> str:
    try:
        pairs = pair_set.pairs(data_root)
    except FileNotFoundError as error:
        return f"not there: {str(error).removeprefix(f'{pair_set.title}: ')}"
    except ValueError as error:
        return f"NOT IN ORDER: {str(error).removeprefix(f'{pair_set.title}: ')}"
    return f"{len(pairs)} pairs, in order"


def _extras() -> Iterator[tuple[str, str]]:
    """Which extras of the installed package are complete; nothing where it is not installed."""
    try:
        metadata = importlib.metadata.metadata("salient")
        requirements = [Requirement(r) for r in importlib.metadata.requires("salient") or ()]
    except importlib.metadata.PackageNotFoundError:
        return
    for extra in metadata.get_all("Provides-Extra") or ():
        wanted = {r.name for r in requirements if r.marker and r.marker.evaluate({"extra": extra})}
        missing = sorted(name for name in wanted if not _installed(name))
        state = (
            f"lacks {', '.join(missing)}; pip install 'salient[{extra}]'" if missing else "complete"
        )
        yield f"[{extra}]", state


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    run("doctor")
