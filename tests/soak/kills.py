"""Kills at random moments: what was whole before stays whole, and nothing else is left behind.

Each command runs in a fork of this process, which has imported everything. Writing to the disk is
slowed down, so that many kills come while a file is half-way.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from PIL import Image

from salient.cli.main import main
from salient.commands import eval, predict, train  # noqa: F401 - before the fork
from salient.files import PARTIAL
from salient.training.resume import read_run
from tests.soak.outcomes import Outcome, Tally
from tests.soak.overrides import ONE_STEP

ENDLESS = ("trainer.max_epochs=400", "trainer.num_sanity_val_steps=0")
TINY = ("model.network.encoder.name=test_efficientnet", "model.network.encoder.weights=none")


def run(count: int, dice: random.Random, tally: Tally) -> None:
    """Kill trainings, scorings and detections, a third each; the tally gets what was lost.

    The run folders lie on another file system than the temporary folder where there is one.
    """
    root, shared = Path(tempfile.mkdtemp(prefix="kills-")), Path("/dev/shm")
    there = shared if shared.is_dir() and shared.stat().st_dev != root.stat().st_dev else root
    if there == root:
        print("kills: there is no second file system here; all on one")
    runs = Path(tempfile.mkdtemp(prefix="kills-", dir=there))
    temporary = root / "tmp"
    temporary.mkdir()
    work = root / "work"
    work.mkdir()
    lost: list[str] = []
    halfway = 0
    for index in range(count):
        folder = runs / str(index)
        commands: list[tuple[list[str], Path, Callable[[Path], list[str]]]] = [
            (
                ["train", *ONE_STEP, *TINY, *ENDLESS, f"hydra.run.dir={folder}"],
                folder / "last.ckpt",
                check_run,
            ),
            (
                ["eval", "dataset=sample", "save_maps=true", "workers=0", f"output={folder}"],
                folder / "maps",
                check_pictures,
            ),
            (
                ["predict", "data/sample/test/images", "batch_size=2", f"output={folder}"],
                folder,
                check_pictures,
            ),
        ]
        arguments, sign, check = commands[0 if not (work / "data").exists() else index % 3]
        child = start(work, temporary, arguments)
        deadline = time.monotonic() + 120
        while not sign.exists():
            if os.waitpid(child, os.WNOHANG)[0] or time.monotonic() > deadline:
                lost.append(f"kill {index}: {arguments[0]} did not begin")
                break
            time.sleep(0.01)
        else:
            time.sleep(dice.uniform(0, 1.5))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        partial = [p for p in folder.rglob("*") if p.name.endswith(PARTIAL)]
        halfway += bool(partial)
        lost += [f"kill {index}: {arguments[0]}: {problem}" for problem in check(folder)]
        lost += [f"kill {index}: left in the temporary folder: {p}" for p in temporary.iterdir()]
        for problem in lost:
            tally.add("kills", f"kill {index}", Outcome("lost", problem))
        if not lost:
            tally.add("kills", f"kill {index}", Outcome("runs", ""), may_run=True)
        lost.clear()
    print(f"kills: {halfway} of {count} came while a file was written")


def start(work: Path, temporary: Path, arguments: list[str]) -> int:
    """Fork a process that runs `salient arguments` in a folder; returns its number."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    run_slowly(work, temporary, arguments)


def run_slowly(work: Path, temporary: Path, arguments: list[str]) -> NoReturn:
    """Run a command without a word, each file's way to its name taking a while."""
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.chdir(work)
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
        replace = Path.replace

        def slowly(partial: Path, file: Path) -> Path:
            time.sleep(0.1)
            return replace(partial, file)

        Path.replace = slowly
        sys.argv = ["salient", *arguments]
        main()
    finally:
        os._exit(0)


def check_run(folder: Path) -> list[str]:
    """What is wrong with a killed run's last.ckpt."""
    try:
        read_run(folder / "last.ckpt")
    except (ValueError, OSError) as error:
        return [str(error)]
    return []


def check_pictures(folder: Path) -> list[str]:
    """Which pictures and tables of a killed command are not whole."""
    problems = []
    for path in folder.rglob("*.*"):
        try:
            if path.suffix == ".png":
                with Image.open(path) as image:
                    image.load()
            elif path.suffix == ".json":
                json.loads(path.read_text())
        except (OSError, ValueError, SyntaxError) as error:
            problems.append(f"{path}: {error}")
    return problems
