"""Scores networks and saved maps on sets: what `salient eval` and `salient.evaluate` do."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from salient.config import Amount, AnyPath, Count, Part, Workers, checked
from salient.data.pairs import Pair
from salient.data.sets import PairSet
from salient.detection.detector import Averaging
from salient.detection.load import EngineName
from salient.devices import Precision
from salient.files import check_writable, remove_partials
from salient.metrics import Choice, choose
from salient.scoring.bundles.ledger import Ledger
from salient.scoring.bundles.store import write_bundle
from salient.scoring.methods import (
    GUESS,
    OURS,
    Loaded,
    Method,
    by_names,
    list_methods,
    load_networks,
)
from salient.scoring.preparation import find_pairs_of, join_processes, listed
from salient.scoring.printing import networks_in_words, print_losses, print_means, print_table
from salient.scoring.report import ScoredSet
from salient.scoring.results import save_results, score_methods
from salient.scoring.robustness.corruptions import choose_corruptions
from salient.scoring.robustness.losses import Tested, damage_all, save_losses
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
        device: auto is the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: fp32, the same digits on every machine; auto (16 bits where faster and
            harmless), bf16, fp16.
        engine: torch, the digits of the docs; or onnx, auto: faster on a CPU, the last digit may
            differ.
        batch_size: pictures per batch on a GPU.
        workers: processes that decode for a GPU; by default one per core, at most 16.
        tta: flip adds a row, averaged with the mirror image's map, in twice the time.
        held_out: only the pairs that training with this loader.held_out leaves out.
        held_out_synsets: the same for loader.held_out_synsets.
        config: the configuration that the report shows.

    Raises:
        ValueError: no set is named, pairs do not match (see `find_pairs`), or all masks are empty.
        FileNotFoundError: none of the sets is found, or a map is missing.
        OSError: `output` cannot be written.
    """
    choice, corruptions = choose(figures), choose_corruptions(corrupt or [])
    rank, world = join_processes()
    checkpoints, folders = by_names(checkpoint, predictions, None if onnx else OURS)
    present, missing = find_pairs_of(
        listed(sets), data_root, strict, bool(checkpoints or onnx), held_out, held_out_synsets
    )
    check_writable(output)
    remove_partials(output)
    networks = load_networks(checkpoints, onnx or {}, present[0][1], device, precision, engine)
    if corruptions and not networks:
        raise ValueError("corrupt: needs a network; saved maps were made from undamaged pictures")
    methods = list_methods(folders, networks, baseline, batch_size, workers, tta)
    if rank == 0:
        _announce(networks, output)
    grouped = any(has_sequences([pair.name for pair in pairs]) for _, pairs in present)
    needs_records = bundle is not None or bool(corruptions) or grouped
    work = Evaluation(methods, networks, metrics, choice, {} if needs_records else None)
    stopped = False
    try:
        for pair_set, pairs in present:
            maps = output if save_maps else None
            work.score(pair_set, pairs, pairs[rank::world], maps, report_pictures > 0)
            work.damage(pairs, corruptions)
    except KeyboardInterrupt:
        stopped = True
        missing.append(f"{pair_set.title}: interrupted, with what would have followed")
    if stopped and (world > 1 or not work.rows):
        sys.exit("interrupted; only the maps that were already written are kept")
    if rank == 0:
        details = {"missing": missing, "metrics": asdict(metrics), "predictions": folders}
        work.save(output, config or {}, details, report_pictures, formats or [])
        if grouped:
            work.save_sequences(output)
        if work.tested:
            save_losses(work.tested, Path(output))
            print_losses(work.tested)
        if bundle is not None and work.ledgers is not None:
            write_bundle(bundle, work.rows, work.ledgers, metrics, choice)
        print(f"saved in {output}")
    if stopped:
        sys.exit("interrupted; continue with the remaining sets and another output")
    return work.rows


def _announce(networks: Mapping[str, Loaded], output: str) -> None:
    for network in networks.values():
        print(f"network: {network.engine.origin}")
    if (Path(output) / "results.json").is_file():
        print(f"{output}: the older results there are replaced; use output=DIR to keep them")


@dataclass
class Evaluation:
    """Methods, how they are scored, and the sets that are scored so far.

    Attributes:
        ledgers: what a bundle needs, by set and method; None keeps none of it.
        tested: the networks on damaged pictures.
    """

    methods: Mapping[str, Method]
    networks: Mapping[str, Loaded]
    conventions: Conventions
    choice: Choice
    ledgers: dict[tuple[str, str], Ledger] | None
    scored: list[ScoredSet] = field(default_factory=list)
    tested: list[Tested] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """Of all sets, in order."""
        return [row for in_set in self.scored for row in in_set.rows]

    def score(
        self, pair_set: PairSet, pairs: list[Pair], part: list[Pair], maps: str | None, keep: bool
    ) -> None:
        """Score all methods on a set.

        Args:
            pair_set: the set.
            pairs: its pairs, of all processes; `part` are this process's.
            maps: the folder `output` if the networks' maps are saved.
            keep: fill the albums, which the report needs.
        """
        title = pair_set.title
        self.scored.append(ScoredSet(title, pairs, [], [], [], self.choice))
        score_methods(
            self.scored[-1],
            {name: method.predictions(part, title) for name, method in self.methods.items()},
            **asdict(self.conventions),
            published={name: pair_set.published for name in self.methods if name != GUESS},
            folders=_maps_folders(maps, title, self.networks) if maps else {},
            keep=keep,
            ledgers=self.ledgers,
        )

    def damage(self, pairs: list[Pair], corruptions: Sequence[str]) -> None:
        """Score the networks on damaged copies of the last set's pictures."""
        for row in self.scored[-1].rows if corruptions else []:
            if row.method in self.networks:
                engine = self.networks[row.method].engine
                records = (self.ledgers or {})[row.dataset, row.method].records
                how = (corruptions, self.choice, self.conventions)
                self.tested.append(damage_all(engine, pairs, row, records, *how))

    def save(
        self,
        output: str,
        config: Mapping[str, Any],
        details: dict[str, Any],
        report_pictures: int,
        formats: Sequence[str],
    ) -> None:
        """Print the tables and save them in `output`, with the report. See `save_results`."""
        networks = self.networks
        lines = [line for in_set in self.scored for line in in_set.lines]
        note = self.conventions.in_words() + networks_in_words(networks)
        details |= {"networks": {name: network.details() for name, network in networks.items()}}
        sources = {name: network.source for name, network in networks.items()}
        max_f = self.conventions.max_f
        print_table(self.rows, lines, note, details["missing"], self.choice)
        what = (config, sources, details, note, max_f, report_pictures, self.tested, formats)
        save_results(self.scored, output, *what)

    def save_sequences(self, output: str) -> None:
        """Save and print the means of video sequences."""
        found = sequences_of(self.rows, self.ledgers or {}, self.choice, self.conventions.max_f)
        save_sequences(found, Path(output))
        print_means(found, self.choice)


def _maps_folders(output: str, title: str, networks: Mapping[str, Loaded]) -> dict[str, Path]:
    """The folders for the networks' maps of a set, after removing leftovers of killed runs."""
    maps = Path(output) / "maps"
    folders = {name: (maps if len(networks) == 1 else maps / name) / title for name in networks}
    for folder in folders.values():
        remove_partials(folder)
    return folders
