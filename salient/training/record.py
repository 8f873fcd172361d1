"""The record of a run, for repeating it, and its published file."""

from __future__ import annotations

import itertools
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Timer

from salient.distribution import package_versions
from salient.files import write_whole
from salient.model.base import Network
from salient.weights.store import save_network

log = logging.getLogger("salient")


def hours_trained(trainer: pl.Trainer) -> float:
    """Hours spent on training steps, those before a resume included; 0 without a Timer."""
    timers = [c for c in trainer.callbacks if isinstance(c, Timer)]  # type: ignore[attr-defined]
    return timers[0].time_elapsed("train") / 3600 if timers else 0.0


def write_record(
    folder: str | Path, seed: int, command: Sequence[str] | None = None
) -> dict[str, Any]:
    """Write `record.json`, which with Hydra's config allows to repeat the run; returns its content.

    It has the `command` (by default this process's), the seed, the versions, the processors, the
    git commit of the code and whether the tree was clean (both None outside a repository).
    """
    record = {"command": list(command or sys.argv), "seed": seed, "versions": package_versions()}
    record |= {"platform": platform.platform(), "cores": os.cpu_count()}
    record["gpus"] = [
        torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
    ]
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    record |= {"commit": commit, "clean": None if changes is None else not changes}
    write_whole(Path(folder) / "record.json", json.dumps(record, indent=2) + "\n")
    return record


def publish(network: Network, path: Path, metadata: dict[str, Any], overwrite: bool) -> Path:
    """Save a network as `path`; if that exists, add a number to the name."""
    for number in itertools.count(1):
        name = path.stem if number == 1 else f"{path.stem}-{number}"
        file = path.with_name(f"{name}.safetensors")
        try:
            save_network(network, file, {"name": name} | metadata, replace=overwrite)
        except FileExistsError:
            log.info("%s already exists and is kept; overwrite=true replaces it", file)
            continue
        return file
    raise AssertionError


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
