"""Score: networks or saved maps over test sets; print and save the benchmark table."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from salient.cli.build import build_sets
from salient.cli.main import run
from salient.config import Amount, Count, Part, Word, Workers, check_config
from salient.data.masks import check_maps
from salient.data.pairs import Pair, find_maps, first_few
from salient.data.sets import PairSet
from salient.data.splits import held_out_part
from salient.detection.detector import Averaging
from salient.detection.engine import Engine
from salient.detection.load import EngineName, load_engine
from salient.devices import Precision
from salient.files import check_writable, remove_partials
from salient.scoring.report import ScoredSet
from salient.scoring.results import save_results, score_methods
from salient.scoring.score import largest_move
from salient.scoring.sources import Prediction, from_files, from_gaussian, from_network
from salient.scoring.tables import Row, conventions, markdown
from salient.weights.find import Checkpoint, find_checkpoint, read_checkpoint

TOLERANCE = 0.0005  # by which 16 bits may move a figure, where a CPU would be faster with them
PROBE = 32  # pairs on which that is tried
GUESS, OURS = "centred Gaussian", "ours"  # names of methods


def eval(
    data_root: str,
    name: Word,
    images: str | None,
    masks: str | None,
    strict: bool,
    checkpoint: str | None,
    predictions: str | dict[str, str] | None,
    output: str,
    baseline: bool,
    save_maps: bool,
    metrics: dict[str, Any],
    report: Amount,
    device: str,
    precision: Precision,
    engine: EngineName,
    batch_size: Count,
    workers: Workers | None,
    tta: Averaging | None,
    held_out: Part | None,
    held_out_synsets: Amount,
    dataset: dict[str, Any] | None = None,
) -> list[Row]:
    """Score the sets of `dataset` that are there; returns their rows.

    Ctrl-C ends it in a SystemExit, when the rows that are complete are saved.

    Raises:
        ValueError: no set is named; pairs that do not match (see `find_pairs`), or masks that are
            all empty.
        FileNotFoundError: none of the sets is there, or a map is missing.
        OSError: `output` cannot be written.
    """
    config = dict(locals())
    if not dataset:
        raise ValueError(
            "dataset: missing; salient eval dataset=ecssd (or [ecssd,sod], all, sample)"
        )
    check_config(metrics, conventions, "metrics.")
    rank, world = _join_processes()
    sets = build_sets(dataset)
    folders = predictions if isinstance(predictions, dict) else {}
    if isinstance(predictions, str):
        folders = {Path(predictions).name: predictions}
    runs_network = checkpoint is not None or not folders
    present, missing = _find(sets, data_root, strict, runs_network, held_out, held_out_synsets)
    check_writable(output)
    remove_partials(output)
    details: dict[str, Any] = {"missing": missing, "metrics": metrics, "predictions": folders}
    note, source = conventions(**metrics), None
    if runs_network:
        source = read_checkpoint(find_checkpoint(checkpoint))
        runs, why = _pick_engine(source, device, precision, engine, present[0][1])
        if rank == 0:
            print(f"network: {runs.origin}")
        details |= {"checkpoint": str(source.path), "size": runs.size, "resize": runs.resize}
        details["engine"] = runs.name
        note += f" Network: {source.path} at {runs.size} px ({runs.resize}) by {why}."
    scored, stopped = list[ScoredSet](), False
    try:
        for pair_set, pairs in present:
            part, title = pairs[rank::world], pair_set.title
            methods: dict[str, Iterator[Prediction]] = {}
            if baseline:
                methods[GUESS] = from_gaussian(part)
            for method, folder in folders.items():
                files = find_maps(folder, part, title)
                check_maps(files, title)
                methods[method] = from_files(files, part)
            if runs_network:
                methods[OURS] = from_network(runs, part, batch_size, workers)
                if tta is not None:  # apart: a row of its own
                    averaged = from_network(runs, part, batch_size, workers, True)
                    methods[f"{OURS}, {tta}"] = averaged
            scored.append(ScoredSet(title, pairs, [], [], []))
            score_methods(
                scored[-1],
                methods,
                **metrics,
                published={m: pair_set.published for m in methods if m != GUESS},
                folders={OURS: _maps_folder(output, title)} if save_maps else {},
                keep=report > 0,
            )
    except KeyboardInterrupt:
        stopped = True
        missing.append(f"{title}: interrupted, with what would have followed")
    rows = [row for in_set in scored for row in in_set.rows]
    if stopped and (world > 1 or not rows):
        sys.exit("interrupted; nothing is saved but the maps that were made")
    lines = [line for in_set in scored for line in in_set.lines]
    if rank == 0:
        _tell(rows, lines, note, missing)
        save_results(scored, output, config, source, details, note, metrics["max_f"], report)
        print(f"saved in {output}")
    if stopped:
        sys.exit("interrupted; go on with the sets that are left and another output")
    return rows


def _maps_folder(output: str, title: str) -> Path:
    """Where the network's maps of a set go, without what a killed run left half written."""
    folder = Path(output) / "maps" / title
    remove_partials(folder)
    return folder


def _tell(rows: list[Row], lines: list[dict[str, Any]], note: str, missing: list[str]) -> None:
    """Print the table, and what a reader should know of its maps and masks."""
    print(markdown(rows), f"\n{note}")
    for row in rows:
        if row.resized:
            print(f"{row.dataset}, {row.method}: {row.resized} maps had another size")
    for title in dict.fromkeys(row.dataset for row in rows):
        empty = {line["name"] for line in lines if line["dataset"] == title and line["empty"]}
        if empty:
            print(f"{title}: {len(empty)} masks have no foreground: {first_few(empty)}")
    for problem in missing:
        print(f"not scored: {problem}")


def _ranks() -> tuple[int, int]:
    """This process's rank and their number, as torchrun or SLURM started them."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def _join_processes() -> tuple[int, int]:
    """The same, once the processes can speak to each other."""
    rank, world = _ranks()
    if world == 1:
        return rank, world
    import torch  # further processes speak to each other by it
    from torch import distributed

    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
        atexit.register(distributed.destroy_process_group)  # else its threads may abort the exit
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return rank, world


def _find(
    sets: list[PairSet],
    data_root: str,
    strict: bool,
    pictures: bool,
    held_out: float | None,
    synsets: int,
) -> tuple[list[tuple[PairSet, list[Pair]]], list[str]]:
    """Sets with their pairs, or those of them held out, and why the others are missing.

    It is an error if all of them are.
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


def _pick_engine(
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


if __name__ == "__main__":
    run("eval")
