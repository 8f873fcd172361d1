"""What the report says of a run: command, config, checkpoint and its hash, machine, versions."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from salient import __version__
from salient.devices import cores
from salient.weights.find import Checkpoint
from salient.weights.store import describe, package_versions


def describe_run(config: Mapping[str, Any], checkpoint: Checkpoint | None) -> dict[str, str]:
    """Names and texts; a text of several lines is long.

    Args:
        config: as the command composed it.
        checkpoint: of the network that was run, or None.
    """
    versions = {"salient": __version__} | package_versions()
    facts = {
        "Made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "Command": shlex.join(sys.argv),
        "Machine": machine(),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
    if checkpoint is not None:
        facts |= {"Checkpoint": str(checkpoint.path), "SHA-256": checkpoint.sha256}
        if checkpoint.path.suffix != ".onnx":  # which the engine names
            facts["Network"] = describe(checkpoint)
    return facts | {"Config": json.dumps(config, indent=2, default=str)}


def machine() -> str:
    """The system, the processor with the cores that may be used, and the GPUs."""
    processor = platform.processor() or platform.machine()
    known = Path("/proc/cpuinfo")
    if known.is_file():
        named = (line for line in known.read_text().splitlines() if line.startswith("model name"))
        processor = next(named, f":{processor}").partition(":")[2].strip()
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return ", ".join([platform.platform(), processor, f"{cores()} cores", *gpus])
