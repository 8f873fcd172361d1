"""Scores networks and saved maps on sets: what `salient eval` and `salient.evaluate` do."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from salient.config import Amount, AnyPath, Count, Part, Workers, checked
from salient.data.masks import check_maps
from salient.data.pairs import find_maps, first_few
from salient.data.sets import PairSet
from salient.detection.detector import Averaging
from salient.detection.load import EngineName
from salient.devices import Precision
from salient.files import check_writable, remove_partials
from salient.metrics import Choice, choose
from salient.scoring.preparation import find_pairs_of, join_processes, listed, pick_engine
from salient.scoring.report import ScoredSet
from salient.scoring.results import save_results, score_methods
from salient.scoring.sources import Prediction, from_files, from_gaussian, from_network
from salient.scoring.tables import Conventions, Row, markdown
from salient.weights.find import find_checkpoint, read_checkpoint

GUESS, OURS = "centred Gaussian", "ours"  # names of methods


@checked
def evaluate(
    sets: str | PairSet | Sequence[str | PairSet],
    *,
    data_root: AnyPath = "data",
    strict: bool = True,
    checkpoint: AnyPath | None = None,
    predictions: AnyPath | dict[str, str] | None = None,
    output: AnyPath = "results",
    baseline: bool = False,
    save_maps: bool = False,
    metrics: Conventions = Conventions(),  # noqa: B008 - immutable
    figures: str | list[str] | None = None,
    report_pictures: Amount = 1000,
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
    """Score a network or saved maps on the sets that are there; returns a row for each method.

    Prints the table and saves it in `output`, with figures by picture, curves and a report. Ctrl-C
    ends it in a SystemExit, when the rows that are complete are saved.

    Args:
        sets: one or more, each by its name in `configs/dataset` or as a `PairSet`.
        data_root: where data sets lie.
        strict: false makes another number of pairs a warning, not an error.
        checkpoint: a file; best (the default) or fast, the bundled weights; or last, the newest
            in checkpoints/.
        predictions: a folder of saved maps, or {method: folder, ...}, instead of the network.
        output: where the tables go.
        baseline: add a row for a centred Gaussian, the same guess for every picture.
        save_maps: write the network's maps to <output>/maps/<data set>/.
        metrics: the conventions of the figures.
        figures: more than the usual eleven: all, or names such as max_dice,hce.
        report_pictures: pictures that report.html shows, of all sets together; 0: no report.
        device: the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: fp32, the same digits on every machine; auto (16 bits where faster and
            harmless), bf16, fp16.
        engine: torch, the digits of the docs; or onnx, auto: faster on a CPU, a last digit may
            differ.
        batch_size: on a GPU.
        workers: processes that decode for a GPU; by default as many as there are cores, at most 16.
        tta: flip: one more row, averaged with the mirror image's map, in twice the time.
        held_out: only the pairs that training with this loader.held_out leaves out.
        held_out_synsets: the same with this loader.held_out_synsets.
        config: what the report shows as the run's config.

    Raises:
        ValueError: no set is named; pairs that do not match (see `find_pairs`), or masks that are
            all empty.
        FileNotFoundError: none of the sets is there, or a map is missing.
        OSError: `output` cannot be written.
    """
    choice = choose(figures)
    rank, world = join_processes()
    folders = predictions if isinstance(predictions, dict) else {}
    if isinstance(predictions, str):
        folders = {Path(predictions).name: predictions}
    runs_network = checkpoint is not None or not folders
    present, missing = find_pairs_of(
        listed(sets), data_root, strict, runs_network, held_out, held_out_synsets
    )
    check_writable(output)
    remove_partials(output)
    details: dict[str, Any] = {
        "missing": missing,
        "metrics": asdict(metrics),
        "predictions": folders,
    }
    note, source = metrics.in_words(), None
    if runs_network:
        source = read_checkpoint(find_checkpoint(checkpoint))
        runs, why = pick_engine(source, device, precision, engine, present[0][1])
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
            scored.append(ScoredSet(title, pairs, [], [], [], choice))
            score_methods(
                scored[-1],
                methods,
                **asdict(metrics),
                published={m: pair_set.published for m in methods if m != GUESS},
                folders={OURS: _maps_folder(output, title)} if save_maps else {},
                keep=report_pictures > 0,
            )
    except KeyboardInterrupt:
        stopped = True
        missing.append(f"{title}: interrupted, with what would have followed")
    rows = [row for in_set in scored for row in in_set.rows]
    if stopped and (world > 1 or not rows):
        sys.exit("interrupted; nothing is saved but the maps that were made")
    lines = [line for in_set in scored for line in in_set.lines]
    if rank == 0:
        _tell(rows, lines, note, missing, choice)
        save_results(
            scored, output, config or {}, source, details, note, metrics.max_f, report_pictures
        )
        print(f"saved in {output}")
    if stopped:
        sys.exit("interrupted; go on with the sets that are left and another output")
    return rows


def _maps_folder(output: str, title: str) -> Path:
    """Where the network's maps of a set go, without what a killed run left half written."""
    folder = Path(output) / "maps" / title
    remove_partials(folder)
    return folder


def _tell(
    rows: list[Row],
    lines: list[dict[str, Any]],
    note: str,
    missing: list[str],
    choice: Choice,
) -> None:
    """Print the table, and what a reader should know of its maps and masks."""
    print(markdown(rows, choice.shown), f"\n{note}")
    for row in rows:
        if row.resized:
            print(f"{row.dataset}, {row.method}: {row.resized} maps had another size")
    for title in dict.fromkeys(row.dataset for row in rows):
        empty = {line["name"] for line in lines if line["dataset"] == title and line["empty"]}
        if empty:
            print(f"{title}: {len(empty)} masks have no foreground: {first_few(empty)}")
    for problem in missing:
        print(f"not scored: {problem}")
