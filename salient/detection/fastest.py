"""Find the fastest of several ONNX files of one network on this processor."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from salient.detection.by_onnx import OnnxEngine
from salient.devices import cores, import_onnxruntime, processor
from salient.files import write_whole

SECONDS = 0.5  # time to measure each file


def fastest(files: Mapping[str, Path], cache: Path) -> str:
    """The name of the fastest file, for one picture at a time on all cores.

    This is measured once, in about a second, and stored in `cache` for this processor, its cores,
    this onnxruntime and these files. If `cache` cannot be written, it is measured each time.

    Raises:
        ValueError: a file cannot be run. And as `OnnxEngine`.
    """
    digest = sha256(b"".join(path.read_bytes() for path in files.values())).hexdigest()[:16]
    version = import_onnxruntime().__version__
    key = f"{processor()}, {platform.machine()}, {cores()} cores, onnxruntime {version}, {digest}"
    known = _read(cache)
    if known.get(key) in files:
        return str(known[key])
    times = measure({name: OnnxEngine(path) for name, path in files.items()})
    quickest = min(times, key=times.__getitem__)
    with suppress(OSError):
        write_whole(cache, json.dumps(known | {key: quickest}, indent=2) + "\n")
    return quickest


def _read(cache: Path) -> dict[str, Any]:
    """Earlier measurements; nothing if the file is missing or damaged."""
    try:
        known = json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def measure(engines: Mapping[str, OnnxEngine]) -> dict[str, float]:
    """Seconds per picture of each engine: the best of alternating runs."""
    squares = {
        name: np.random.default_rng(0).integers(0, 256, (1, e.size, e.size, 3), np.uint8)
        for name, e in engines.items()
    }
    times = dict.fromkeys(engines, float("inf"))
    for name, engine in engines.items():
        engine.run(squares[name])  # allocates
    end = time.perf_counter() + SECONDS * len(engines)
    while time.perf_counter() < end:
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.run(squares[name])
            times[name] = min(times[name], time.perf_counter() - start)
    return times
