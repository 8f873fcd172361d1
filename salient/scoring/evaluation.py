"""Scores networks and saved maps on sets: what `salient eval` and `salient.evaluate` do."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from salient.config import Amount, AnyPath, Count, Part, Workers, checked
from salient.data.sets import PairSet
from salient.detection.detector import Averaging
from salient.detection.load import EngineName
from salient.devices import Precision
from salient.files import check_writable, remove_partials
from salient.metrics import choose
from salient.scoring.bundles.ledger import Ledger
from salient.scoring.bundles.store import write_bundle
from salient.scoring.methods import GUESS, OURS, Loaded, list_methods, load_networks
from salient.scoring.preparation import find_pairs_of, join_processes, listed
from salient.scoring.printing import networks_in_words, print_losses, print_means, print_table
from salient.scoring.report import ScoredSet
from salient.scoring.results import save_results, score_methods
from salient.scoring.robustness.corruptions import choose_corruptions
from salient.scoring.robustness.losses import (
    Tested,
    damage_all,
    save_losses,
)
from salient.scoring.sequences import has_sequences, save_sequences, sequences_of
from salient.scoring.tables import Conventions, Row


@checked
def evaluate(
    sets: str | PairSet | Sequence[str | PairSet],
    *,
    data_root: AnyPath = "data",
    strict: bool = True,
    checkpoint: AnyPath | dict[str, str] | None = None,
    onnx: dict[str, str | dict[str, Any]] | None = None,
    predictions: AnyPath | dict[str, str] | None = None,
    output: AnyPath = "results",
    bundle: AnyPath | None = None,
    baseline: bool = False,
    save_maps: bool = False,
    corrupt: str | list[str] | None = None,
    metrics: Conventions = Conventions(),  # noqa: B008 - immutable
    figures: str | list[str] | None = None,
    report_pictures: Amount = 1000,
    formats: list[Literal["xlsx", "pdf", "svg"]] | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    engine: EngineName = "torch",
    batch_size: Count = 8,
    workers: Workers | None = None,
    tta: Averaging | None = None,
    held_out: Part | None = None,
    held_out_synsets: Amount = 0,
    config: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Score networks and saved maps on the sets that are found; returns a row for each method.

    Prints the table and saves it in `output`, with figures by picture, curves and a report. Ctrl-C
    saves the complete rows and raises a SystemExit.

    Args:
        sets: one or more, each by its name in `configs/dataset` or as a `PairSet`.
        data_root: the folder with the data sets.
        strict: false turns a wrong number of pairs into a warning.
        checkpoint: a file or folder; best (the default) or fast, the bundled weights; last, the
            newest in checkpoints/; or a hub's id, owner/name. {method: checkpoint, ...} names it in
            tables, and scores several.
        onnx: {method: FILE.onnx, ...}, any networks. A well-known file name, FILE.yaml next to the
            file, or {method: {file: FILE.onnx, size: 320, ...}} describes the input.
        predictions: a folder of saved maps, or {method: folder, ...}, instead of the network.
        output: where the tables go.
        bundle: a file with the numbers of every picture, for `salient verify`.
        baseline: add a row for a centred Gaussian, the same guess for every picture.
        save_maps: write the network's maps to <output>/maps/<data set>/; those of several to
            <output>/maps/<method>/<data set>/.
        corrupt: standard: score the networks on damaged pictures too, in 12 ways and 3 strengths
            each; or some of them, such as jpeg,fog.
        metrics: the conventions of the figures.
        figures: further figures: all, or names such as max_dice,hce.
        formats: more files: xlsx, all tables for Excel; pdf, svg, the curves for a paper.
        report_pictures: pictures in report.html, over all sets; 0 for no report.
        device: the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: fp32, the same digits on every machine; auto (16 bits where faster and
            harmless), bf16, fp16.
        engine: torch, the digits of the docs; or onnx, auto: faster on a CPU, the last digit may
            differ.
        batch_size: on a GPU.
        workers: processes that decode for a GPU; by default one per core, at most 16.
        tta: flip adds a row, averaged with the mirror image's map, in twice the time.
        held_out: only the pairs that training with this loader.held_out leaves out.
        held_out_synsets: the same with this loader.held_out_synsets.
        config: the configuration that the report shows.

    Raises:
        ValueError: no set is named, pairs do not match (see `find_pairs`), or all masks are empty.
        FileNotFoundError: none of the sets is found, or a map is missing.
        OSError: `output` cannot be written.
    """
    choice, corruptions = choose(figures), choose_corruptions(corrupt or [])
    rank, world = join_processes()
    folders = predictions if isinstance(predictions, dict) else {}
    if isinstance(predictions, str):
        folders = {Path(predictions).name: predictions}
    checkpoints: dict[str, str | None] = {}
    if isinstance(checkpoint, dict):
        checkpoints |= checkpoint
    elif checkpoint is not None or not (folders or onnx):
        checkpoints = {OURS: checkpoint}
    present, missing = find_pairs_of(
        listed(sets), data_root, strict, bool(checkpoints or onnx), held_out, held_out_synsets
    )
    check_writable(output)
    remove_partials(output)
    networks = load_networks(checkpoints, onnx or {}, present[0][1], device, precision, engine)
    if corruptions and not networks:
        raise ValueError("corrupt: a network is needed; saved maps are of undamaged pictures")
    methods = list_methods(folders, networks, baseline, batch_size, workers, tta)
    if rank == 0:
        for network in networks.values():
            print(f"network: {network.engine.origin}")
        if (Path(output) / "results.json").is_file():
            print(f"{output}: holds an older scoring, which is replaced; output=DIR keeps it")
    details: dict[str, Any] = {
        "missing": missing,
        "metrics": asdict(metrics),
        "predictions": folders,
        "networks": {name: network.details() for name, network in networks.items()},
    }
    note = metrics.in_words() + networks_in_words(networks)
    ledgers: dict[tuple[str, str], Ledger] | None = None
    grouped = any(has_sequences([pair.name for pair in pairs]) for _, pairs in present)
    if bundle is not None or corruptions or grouped:
        ledgers = {}
    scored, tested, stopped = list[ScoredSet](), list[Tested](), False
    try:
        for pair_set, pairs in present:
            part, title = pairs[rank::world], pair_set.title
            scored.append(ScoredSet(title, pairs, [], [], [], choice))
            score_methods(
                scored[-1],
                {name: method.predictions(part, title) for name, method in methods.items()},
                **asdict(metrics),
                published={name: pair_set.published for name in methods if name != GUESS},
                folders=_maps_folders(output, title, networks) if save_maps else {},
                keep=report_pictures > 0,
                ledgers=ledgers,
            )
            tested += [
                damage_all(
                    networks[row.method].engine,
                    pairs,
                    row,
                    (ledgers or {})[title, row.method].records,
                    corruptions,
                    choice,
                    metrics,
                )
                for row in scored[-1].rows
                if corruptions and row.method in networks
            ]
    except KeyboardInterrupt:
        stopped = True
        missing.append(f"{title}: interrupted, with what would have followed")
    rows = [row for in_set in scored for row in in_set.rows]
    if stopped and (world > 1 or not rows):
        sys.exit("interrupted; only the maps that were already written are kept")
    lines = [line for in_set in scored for line in in_set.lines]
    if rank == 0:
        print_table(rows, lines, note, missing, choice)
        sources = {name: network.source for name, network in networks.items()}
        save_results(
            scored,
            output,
            config or {},
            sources,
            details,
            note,
            metrics.max_f,
            report_pictures,
            tested,
            formats or [],
        )
        if grouped and ledgers is not None:
            found = sequences_of(rows, ledgers, choice, metrics.max_f)
            save_sequences(found, Path(output))
            print_means(found, choice)
        if tested:
            save_losses(tested, Path(output))
            print_losses(tested)
        if bundle is not None and ledgers is not None:
            write_bundle(bundle, rows, ledgers, metrics, choice)
        print(f"saved in {output}")
    if stopped:
        sys.exit("interrupted; go on with the sets that are left and another output")
    return rows


def _maps_folders(output: str, title: str, networks: Mapping[str, Loaded]) -> dict[str, Path]:
    """The folders for the networks' maps of a set, after removing leftovers of killed runs."""
    maps = Path(output) / "maps"
    folders = {name: (maps if len(networks) == 1 else maps / name) / title for name in networks}
    for folder in folders.values():
        remove_partials(folder)
    return folders
