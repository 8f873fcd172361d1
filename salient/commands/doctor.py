"""Check the installation and the data sets.

  salient doctor                  a quick look: packages, device, data sets
  salient doctor dataset=all      reads every file of the sets; or [duts_tr,ecssd], sample
  salient doctor dataset=folder images=DIR masks=DIR

The exit status is 1 if a fault would spoil a run.
"""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import combinations
from json import dumps
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from packaging.requirements import Requirement
from tqdm import tqdm

import salient
from salient.cli.build import build_sets
from salient.cli.main import run
from salient.config import AnyPath, Word
from salient.data.examine import Examined, Report, examine, report, same_pictures
from salient.data.pairs import first_few
from salient.data.sets import PairSet
from salient.detection.load import load_engine
from salient.devices import cores, in_parallel, pick_device, pick_precision, precision_name
from salient.distribution import DISTRIBUTION, how_to_install
from salient.files import write_whole
from salient.sample.embedded import SampleSet

MISSING = "not there"
OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python")
OURS = "dev"  # the extra for development
ALL = "everything"  # the default choice of configs/dataset; its files are not read


def doctor(
    data_root: AnyPath = "data",
    title: Word = "folder",
    images: AnyPath | None = None,
    masks: AnyPath | None = None,
    read: bool | None = None,
    json: AnyPath | None = None,
    dataset: dict[str, Any] | None = None,
) -> None:
    """Print what a run depends on, and a table of the sets.

    Args:
        data_root: the folder with the data sets.
        title: the name of dataset=folder in tables.
        images, masks: for dataset=folder, the folders of pictures and of masks.
        read: true reads every file, false none; by default, those of sets that are named.
        json: a file for the findings, with all names.
        dataset: the sets.

    Raises:
        SystemExit: with 1, after printing, if a fault would spoil a run or no set is found.
    """
    found: dict[str, Any] = dict(environment())
    for topic, finding in found.items():
        print(f"{topic:<14}{finding}")
    if read is None:
        read = HydraConfig.get().runtime.choices.get("dataset") != ALL
    sets = build_sets(dataset or {})
    if not read:
        states = {pair_set.title: _state(pair_set, data_root) for pair_set in sets}
        for title, state in states.items():
            if not state.startswith(MISSING):
                print(f"{title:<14}{state}")
        if missing := [title for title, state in states.items() if state.startswith(MISSING)]:
            print(f"{'no sets':<14}in {data_root}: {', '.join(missing)}")
        spoilt = any(state.startswith("NOT IN ORDER") for state in states.values())
    else:
        with tempfile.TemporaryDirectory() as elsewhere:
            states, spoilt = _read(sets, data_root, elsewhere)
    if json is not None:
        write_whole(json, dumps(found | {"sets": states}, indent=2) + "\n")
        print(f"saved in {json}")
    if spoilt:
        sys.exit(1)


def environment() -> Iterator[tuple[str, str]]:
    """Pairs (topic, finding) to print."""
    yield "salient", f"{salient.__version__}, Python {platform.python_version()}"
    where = f"on {cores()} cores"
    if find_spec("torch"):
        device = pick_device()
        where = f"on {device} in {precision_name(pick_precision(device))}, {cores()} cores"
    yield "computes", where
    yield from _extras()
    if len(opencv := [name for name in OPENCV if _installed(name)]) > 1:
        said = f"{' and '.join(opencv)} overwrite each other's files; keep one: pip uninstall NAME,"
        yield "OpenCV", f"{said} then pip install --force-reinstall the other"
    engine = load_engine()
    yield "detects with", f"{engine.origin}, by {engine.name}"


def _state(pair_set: PairSet, data_root: str) -> str:
    """The state of a set in words, from the names and headers of its files."""
    try:
        pairs = pair_set.pairs(data_root)
    except FileNotFoundError as error:
        return f"{MISSING}: {str(error).removeprefix(f'{pair_set.title}: ')}"
    except ValueError as error:
        return f"NOT IN ORDER: {str(error).removeprefix(f'{pair_set.title}: ')}"
    return f"{len(pairs)} pairs, in order"


def _read(sets: list[PairSet], data_root: str, elsewhere: str) -> tuple[dict[str, Any], bool]:
    """Read every file of the sets and print the findings.

    Returns the findings for the JSON, and whether they would spoil a run. The sample, if missing,
    is drawn in `elsewhere`.
    """
    states: dict[str, Any] = {}
    rows, lines = [], []
    read: dict[str, list[Examined]] = {}
    for pair_set in sets:
        title, start = pair_set.title, time.perf_counter()
        try:
            root = data_root
            if isinstance(pair_set, SampleSet):
                there = (Path(data_root) / str(pair_set.root)).is_dir()
                root = data_root if there else elsewhere
                pair_set = PairSet(**vars(pair_set)) if there else pair_set
            listing = pair_set.listing(root)
        except FileNotFoundError as error:
            states[title] = {"missing": str(error)}
            lines.append(f"{MISSING}: {error}")
            continue
        examined = in_parallel(examine, listing.pairs)
        read[title] = list(tqdm(examined, title, len(listing.pairs), disable=None))
        found = report(title, listing, read[title], pair_set.expected, pair_set.differing_sizes)
        seconds = round(time.perf_counter() - start, 1)
        states[title] = {"pairs": len(listing.pairs), "seconds": seconds, **found._asdict()}
        rows.append(_row(title, len(listing.pairs), found, seconds))
        lines += [f"{title}: SPOILS A RUN: {fault}" for fault in found.faults]
        lines += [f"{title}: {remark}" for remark in found.remarks]
    for first, second in combinations(read, 2):
        shared = [" = ".join(pair) for pair in same_pictures(read[first], read[second])]
        if shared:
            states[first].setdefault("shared", {})[second] = shared
            lines.append(
                f"{first}: {len(shared)} pictures are in {second} too: {first_few(shared)}"
            )
    for line in (*_table(rows), *lines):
        print(line)
    return states, not rows or any(state.get("faults") for state in states.values())


def _row(title: str, pairs: int, found: Report, seconds: float) -> dict[str, str]:
    counts = {key: len(names) for key, names in found.names.items()}
    row = {"set": title, "pairs": pairs, **counts, "seconds": seconds}
    return {key: str(value) for key, value in row.items()}


def _table(rows: list[dict[str, str]]) -> Iterator[str]:
    if rows:
        for row in ({key: key for key in rows[0]}, *rows):
            name, *others = row.values()
            widths = [max(6, len(key)) for key in list(row)[1:]]
            yield f"{name:<12}" + "".join(f"  {v:>{w}}" for v, w in zip(others, widths))


def _extras() -> Iterator[tuple[str, str]]:
    """The extras of the installed package that are complete; nothing if it is not installed."""
    try:
        metadata = importlib.metadata.metadata(DISTRIBUTION)
        requirements = [Requirement(r) for r in importlib.metadata.requires(DISTRIBUTION) or ()]
    except importlib.metadata.PackageNotFoundError:
        return
    for extra in metadata.get_all("Provides-Extra") or ():
        if extra == OURS:
            continue
        wanted = {r.name for r in requirements if r.marker and r.marker.evaluate({"extra": extra})}
        missing = sorted(name for name in wanted if not _installed(name))
        state = f"lacks {', '.join(missing)}; {how_to_install(extra)}" if missing else "complete"
        yield f"[{extra}]", state


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    run("doctor")
