"""The trials of `make soak`: where they take place, and how each case is judged."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import salient
from salient.training.resume import read_run
from tests.fixtures.commands import compose_config
from tests.fixtures.networks import small_network
from tests.soak import checkpoints, overrides, pictures
from tests.soak.outcomes import Outcome, Tally, outcome

ENCODER = "test_efficientnet"  # timm's smallest with the four strides
TINY = ("model.network.encoder.name=test_efficientnet", "model.network.encoder.weights=none")

Case = tuple[str, bytes]


def prepare(folder: Path) -> None:
    """A working folder: a picture, a text, a good network, and a run of two epochs."""
    torch.manual_seed(0)
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    (folder / "photos").mkdir(parents=True)
    Image.fromarray(noise).save(folder / "photo.png")
    Image.fromarray(noise).save(folder / "photos/a.png")
    (folder / "notes.txt").write_text("hello, this is no checkpoint\n")
    salient.save_network(small_network(ENCODER), folder / "good.safetensors")
    ended = outcome(folder, "train", *overrides.ONE_STEP, *TINY, "hydra.run.dir=run", "name=first")
    assert ended.kind == "runs", ended.said


def try_checkpoints(folder: Path, tally: Tally, dice: random.Random, share: float = 1) -> None:
    """Every bad file as `checkpoint=` of two verbs, and as `resume=` and `start=` of a training."""
    good, last = folder / "good.safetensors", folder / "run/last.ckpt"
    count = max(round(30 * share), 3)

    def described() -> Iterator[Case]:
        for config in checkpoints.CONFIGS:
            yield f"config {config!r:.60}", checkpoints.with_config(good, config)

    def broken(file: Path) -> Iterator[Case]:
        yield from checkpoints.damaged(file.read_bytes(), dice, count)

    weights, predict = ("weights",), ("predict", "photo.png", "output=maps", "overwrite=true")
    train = ("train", *overrides.ONE_STEP, *TINY)
    trials: list[tuple[str, tuple[str, ...], Callable[[], Iterator[Case]]]] = [
        ("checkpoint=", weights, checkpoints.foreign),
        ("checkpoint=", predict, described),
        ("checkpoint=", predict, functools.partial(checkpoints.spoilt, good)),
        ("checkpoint=", weights, functools.partial(broken, good)),
        ("checkpoint=", weights, functools.partial(broken, last)),
        ("resume=", train, checkpoints.foreign),
        ("resume=", train, functools.partial(checkpoints.other_runs, last)),
        ("resume=", train, functools.partial(broken, last)),
        ("start=", train, functools.partial(checkpoints.spoilt, good)),
    ]
    for key, command, cases in trials:
        for name, content in cases():
            if dice.random() > share:
                continue
            bad = folder / "bad.bin"
            bad.write_bytes(content)
            begin = time.process_time()
            ended = outcome(folder, *command, f"{key}bad.bin")
            if time.process_time() - begin > 60:
                ended = Outcome("unclear", "took more than a minute")
            harmless = ended.kind == "runs" and is_same(bad, last if key == "resume=" else good)
            tally.add(f"{key} of {command[0]}", name, ended, may_run=harmless)
            assert not (folder / "it-ran").exists(), name


def is_same(bad: Path, good: Path) -> bool:
    """Whether a damaged file still holds exactly the good weights: a changed comment, say."""
    try:
        a, b = (salient.load_network(file).state_dict() for file in (bad, good))
        if good.suffix == ".ckpt":
            a, b = (read_run(file)["state_dict"] for file in (bad, good))
        elif read_format(bad) == "zip":
            b = salient.load_network(good.parent / "run/last.ckpt").state_dict()
    except ValueError:
        return False
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def read_format(file: Path) -> str:
    """`zip` for what `torch.save` wrote."""
    return "zip" if file.read_bytes()[:2] == b"PK" else "safetensors"


def try_overrides(folder: Path, tally: Tally, dice: random.Random, share: float = 1) -> None:
    """What was wrong once, all of it, and a share of the nonsense for every key of every verb."""
    composed = functools.partial(compose_config, folder / "composed")
    drawn = [case for case in overrides.fuzzed(composed, dice) if dice.random() < share]
    for verb, text, wrong in [*overrides.known(), *drawn]:  # some 0.5 s each
        more = TINY if verb == "train" else ()
        ended = outcome(folder, verb, *overrides.VERBS[verb], *more, text)
        tally.add(verb, text, ended, may_run=not wrong)


def try_pictures(folder: Path, tally: Tally, count: int) -> None:
    """Damaged pictures of every format; those altered where no checksum tells are right."""
    kinds = {"clear": "clear", "whole": "runs", "altered": "runs", "silent": "silent"}
    counts, _ = pictures.tally(count, 0, folder)
    for (form, result), number in sorted(counts.items()):
        kind = kinds.get(result, "hang" if result == "slow" else "traceback")
        for _ in range(number):
            tally.add("damaged pictures", form, Outcome(kind, result), may_run=True)
