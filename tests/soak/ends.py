"""Trainings that end badly: killed at their very end, without a worker, as a clock jumps."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from salient.training import run as run_module
from salient.weights.store import read_metadata
from tests.soak.outcomes import Outcome, Tally, outcome
from tests.soak.overrides import ONE_STEP

TINY = ("model.network.encoder.name=test_efficientnet", "model.network.encoder.weights=none")
TRAIN = ("train", *ONE_STEP, *TINY)


class Jumping(datetime):
    """A clock that stands still, or goes back by an hour each time it is asked."""

    step, now_ = timedelta(0), datetime(2026, 1, 1)

    @classmethod
    def now(cls, tz=None):
        cls.now_ += cls.step
        return cls.now_


def try_ends(folder: Path, tally: Tally) -> None:
    """All of them."""
    killed_at_the_end(folder, tally)
    worker_killed(folder, tally)
    for name, step in (("two runs in one second", 0), ("clock goes back", -1)):
        Jumping.step = timedelta(hours=step)
        with patch("hydra.core.utils.datetime", Jumping):
            ends = [outcome(folder, *TRAIN, "name=clock", "overwrite=true") for _ in range(2)]
        runs = len(list((folder / "runs/clock").glob("*/last.ckpt")))
        for ended in ends:
            tally.add("clock", name, ended, may_run=True)
        if runs % 2:
            tally.add("clock", name, Outcome("lost", f"{runs} folders"))


def killed_at_the_end(folder: Path, tally: Tally) -> None:
    """After the last epoch's checkpoint, before the weights are published; then resumed."""
    whole = outcome(folder, *TRAIN, "name=whole", "hydra.run.dir=whole")
    tally.add("killed at the end", "an uninterrupted run", whole, may_run=True)
    with patch.object(run_module, "publish", side_effect=KeyboardInterrupt):
        outcome(folder, *TRAIN, "name=ended", "hydra.run.dir=ended")
    resumed = outcome(folder, *TRAIN, "name=ended", "resume=ended/last.ckpt")
    tally.add("killed at the end", "resumed", resumed, may_run=True)
    if resumed.kind == "runs":
        figures = [
            json.loads(read_metadata(folder / f"checkpoints/{name}.safetensors")["validation"])
            for name in ("whole", "ended")
        ]
        if figures[0] != figures[1] or not figures[0]:
            tally.add("killed at the end", "resumed", Outcome("lost", f"figures {figures}"))


def worker_killed(folder: Path, tally: Tally) -> None:
    """A worker of the loader is killed while it loads: a line, and last.ckpt as it was."""
    killed, own = list[int](), Path("/proc/self/cmdline").read_bytes()

    def kill_children() -> None:
        deadline = time.monotonic() + 300
        while not killed and time.monotonic() < deadline:
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            for child in map(int, children):
                with suppress(OSError):  # it has ended
                    if Path(f"/proc/{child}/cmdline").read_bytes() != own:  # git, a tracker
                        continue
                    os.kill(child, signal.SIGKILL)
                    killed.append(child)
            time.sleep(0.02)

    thread = threading.Thread(target=kill_children, daemon=True)
    thread.start()
    many = ("loader.workers=2", "trainer.max_epochs=9")
    ended = outcome(folder, *TRAIN, *many, "name=worker", "hydra.run.dir=worker")
    thread.join(5)
    tally.add("loader's worker killed", f"{len(killed)} killed", ended, may_run=not killed)
