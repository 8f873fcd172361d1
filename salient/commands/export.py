"""Write a network for other runtimes, run it there, and compare the maps."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from salient.cli.main import run
from salient.export import FORMATS, Checked, check, export_network
from salient.weights.find import find_checkpoint
from salient.weights.store import load_network


def export(
    output: str | None,
    checkpoint: str | None,
    content: Literal["probability", "logit"],
    half: bool,
    int8: str | None,
    pictures: str | None,
) -> Checked:
    """Export, check and time; returns what the check found.

    Raises:
        ValueError: no output, an unknown format, or the checkpoint is no network.
        FileNotFoundError: no such checkpoint.
        ModuleNotFoundError: the format's package is not installed.
    """
    if output is None:
        raise ValueError("output: missing; salient export output=model.onnx")
    for name in ("onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.WARNING)  # they tell what they tidied up
    network, probability = load_network(find_checkpoint(checkpoint)), content == "probability"
    print(f"network: {network.origin}")
    path = export_network(network, output, probability, half, int8)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
    checked = check(network, path, probability, pictures)
    print(f"largest difference on {checked.pictures} pictures: {checked.difference:.1e}")
    runtimes = {
        "PyTorch": checked.pytorch_ms,
        FORMATS[Path(path).suffix].runtime: checked.runtime_ms,
    }
    for name, milliseconds in runtimes.items():
        print(f"{name:<14}{milliseconds:8.1f} ms at {network.size} px, batch 1")
    return checked


if __name__ == "__main__":
    run("export")
