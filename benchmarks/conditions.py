"""Shared by the benchmarks: the machine, a busy neighbour, peak memory, the table and its JSON."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("onnxruntime", "opencv-python-headless", "numba")  # besides those of a training run
Line = tuple[str, dict[str, Any]]  # as it is printed, and its values


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keep one core busy with another process."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        busy.kill()
        busy.wait()


def peak_memory() -> float:
    """The largest resident size of this process so far, MiB."""
    if sys.platform == "linux":  # here the other number of a new process includes its parent's
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def show(lines: Iterable[Line], file: str | None) -> None:
    """Print the machine, then each line as it is measured; save all values in a JSON file."""
    from salient.distribution import package_versions
    from salient.scoring.provenance import machine

    versions = package_versions() | {name: version(name) for name in PACKAGES}
    found: dict[str, Any] = {"machine": machine(), "versions": versions, "lines": []}
    print(machine(), *(f"{name} {v}" for name, v in versions.items()), sep=", ", flush=True)
    for text, values in lines:
        print(text, flush=True)
        found["lines"] += [values] if values else []
    if file is not None:
        Path(file).write_text(json.dumps(found, indent=2) + "\n")
