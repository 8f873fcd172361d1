"""Two groups of torchrun, as docs/train/several-machines.md prints them, on this machine."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.commands import ENVIRONMENT, QUICK, ROOT

PAGE = (ROOT / "docs/train/several-machines.md").read_text()
pytestmark = pytest.mark.slow


def run_groups(folder: Path, *replaced: tuple[str, str]) -> None:
    """Run both lines at the same time, after replacements."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    here = [("HOST", "127.0.0.1"), ("29500", port), ("per-node 4", "per-node 1"), *replaced]
    running = []
    for line in re.findall(r"    torchrun (--nnodes 2 .+)", PAGE):
        for old, new in here:
            assert old in line
            line = line.replace(old, new)
        command = [sys.executable, "-m", "torch.distributed.run", *line.split()]
        one = subprocess.Popen(command, cwd=folder, env=os.environ | ENVIRONMENT)
        running.append(one)
    assert len(running) == 2
    assert [one.wait(timeout=900) for one in running] == [0, 0]


def test_two_nodes_score_to_the_digits_of_one_process(tmp_path, call):
    scoring = "eval.py dataset=sample checkpoint=fast report_pictures=0"
    call(tmp_path, "eval", *scoring.split()[1:], "output=one")
    training = re.search(r"train\.py .+", PAGE[PAGE.index("--nnodes 2") :])[0]
    run_groups(tmp_path, (training, f"{ROOT}/{scoring} output=two"))
    one, two = (json.loads((tmp_path / n / "results.json").read_text()) for n in ("one", "two"))
    assert one["rows"] == two["rows"] and one["rows"][0]["mae"] > 0


def test_two_nodes_train_and_publish_once(tmp_path):
    settings = " ".join([*QUICK, "trainer.accelerator=cpu", "trainer.max_epochs=1", "name=nodes"])
    devices = ("trainer.devices=4", f"trainer.devices=1 {settings}")
    run_groups(tmp_path, ("train.py", f"{ROOT}/train.py"), devices)
    assert [file.name for file in (tmp_path / "checkpoints").iterdir()] == ["nodes.safetensors"]
