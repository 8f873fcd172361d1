"""Describe a run for the report: command, config, checkpoint and its hash, machine, versions."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from salient import __version__
from salient.devices import cores, processor
from salient.distribution import package_versions
from salient.weights.find import Checkpoint


def describe_run(
    config: Mapping[str, Any], checkpoints: Mapping[str, Checkpoint]
) -> dict[str, str]:
    """Names and texts; a text of several lines is long.

    Args:
        config: as the command composed it.
        checkpoints: of the networks that were run, by method.
    """
    versions = {"salient": __version__} | package_versions()
    facts = {
        "Made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "Command": shlex.join(sys.argv),
        "Machine": machine(),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
    for method, checkpoint in checkpoints.items():
        of = "" if len(checkpoints) == 1 else f" of {method}"
        facts |= {f"Checkpoint{of}": str(checkpoint.path), f"SHA-256{of}": checkpoint.sha256}
        if checkpoint.path.suffix != ".onnx" and find_spec("torch"):  # which the engine names
            from salient.weights.store import describe

            facts[f"Network{of}"] = describe(checkpoint)
    return facts | {"Config": json.dumps(config, indent=2, default=str)}


def machine() -> str:
    """The system, the processor with the cores that may be used, and the GPUs PyTorch knows."""
    torch = sys.modules.get("torch")  # if nothing has imported it, nothing ran on a GPU
    count = torch.cuda.device_count() if torch else 0
    gpus = [torch.cuda.get_device_name(index) for index in range(count)] if torch else []
    return ", ".join([platform.platform(), processor(), f"{cores()} cores", *gpus])
