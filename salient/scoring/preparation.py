"""Prepare a scoring: join the processes, find the sets, choose the engine."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from salient.data.pairs import Pair
from salient.data.sets import PairSet, find_set
from salient.data.splits import held_out_part
from salient.detection.engine import Engine
from salient.detection.load import EngineName, load_engine
from salient.devices import Precision
from salient.scoring.score import largest_move
from salient.weights.find import Checkpoint

TOLERANCE = 0.0005  # by which 16 bits may change a figure, if they are faster on the CPU
PROBE = 32  # pairs used for this trial


def listed(sets: str | PairSet | Sequence[str | PairSet]) -> list[PairSet]:
    """Sets, each given by its name in `configs/dataset` or as it is."""
    each = [sets] if isinstance(sets, str | PairSet) else sets
    return [find_set(one) if isinstance(one, str) else one for one in each]


def ranks() -> tuple[int, int]:
    """The rank of this process and the number of processes, as started by torchrun or SLURM."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def join_processes() -> tuple[int, int]:
    """The same, after connecting the processes."""
    rank, world = ranks()
    if world == 1:
        return rank, world
    import torch  # connects the processes
    from torch import distributed

    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
        atexit.register(
            distributed.destroy_process_group
        )  # otherwise its threads may abort the exit
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return rank, world


def find_pairs_of(
    sets: list[PairSet],
    data_root: str,
    strict: bool,
    pictures: bool,
    held_out: float | None,
    synsets: int,
) -> tuple[list[tuple[PairSet, list[Pair]]], list[str]]:
    """The sets with their pairs (or only the held-out ones), and why other sets are missing.

    It is an error if all sets are missing.
    """
    present, missing = [], []
    for pair_set in sets:
        try:
            pairs = pair_set.pairs(data_root, strict, pictures)
        except FileNotFoundError as error:
            missing.append(str(error))
            continue
        pairs, title = held_out_part(pairs, pair_set.title, held_out, synsets)
        if title != pair_set.title:
            pair_set = replace(pair_set, title=title, published={})
        present.append((pair_set, pairs))
    if not present:
        raise FileNotFoundError("\n".join(missing))
    return present, missing


def pick_engine(
    source: Checkpoint,
    device: str,
    precision: Precision,
    engine: EngineName,
    pairs: list[Pair],
) -> tuple[Engine, str]:
    """What computes, and that in words. A CPU's 16 bits must prove harmless."""
    runs = load_engine(source, device, precision, engine)
    if "torch" not in sys.modules:
        return runs, runs.name
    import torch

    from salient.detection.by_torch import TorchEngine

    if not isinstance(runs, TorchEngine) or precision != "auto" or not runs.on_cores:
        return runs, runs.name
    if runs.dtype == torch.float32:
        return runs, runs.name
    move = largest_move(runs.network, pairs[:PROBE], runs.dtype)
    if move >= TOLERANCE:
        exact = TorchEngine(runs.network)
        moved = f"{runs.name} moves a figure of the first {PROBE} by {move:.4f}"
        return exact, f"{exact.name} ({moved})"
    return runs, f"{runs.name} (moves no figure of the first {PROBE} by more than {move:.4f})"
