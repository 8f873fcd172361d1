"""Score: networks or saved maps over test sets; print and save the benchmark table."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import distributed
from tqdm import tqdm

from salient import SaliencyNetwork, load_network
from salient.benchmark import TestSet
from salient.config import check_config, errors_for_people
from salient.data.pairs import Pair, find_maps
from salient.detector import Precision, pick_device, pick_precision
from salient.metrics import SaliencyMetrics, score_files
from salient.report import draw_curves
from salient.results import Row, describe, markdown, save
from salient.scoring import (
    Scored,
    gaussian_guess,
    largest_move,
    predict_pairs,
    score_maps,
    summarise,
)
from salient.weights import find_checkpoint

log = logging.getLogger("salient")
TOLERANCE = 0.0005  # by which 16 bits may move a figure, where a CPU would be faster with them
PROBE = 32  # pairs on which that is tried
Sources = dict[str, Iterator[Scored]]  # what is scored on one test set, by method


def evaluate(
    dataset: dict[str, Any],
    data_root: str,
    name: str,
    images: str | None,
    masks: str | None,
    checkpoint: str | None,
    predictions: str | dict[str, str] | None,
    output: str,
    strict: bool,
    baseline: bool,
    save_maps: bool,
    metrics: dict[str, Any],
    device: str,
    precision: Precision,
    batch_size: int,
    workers: int | None,
) -> list[Row]:
    """Score the sets of `dataset` that are there; returns their rows."""
    rank, world = _join_processes()
    normalize = metrics["normalize"]
    sets: list[TestSet] = [instantiate(s, _convert_="all") for s in dataset.values()]
    folders = predictions if isinstance(predictions, dict) else {}
    if isinstance(predictions, str):
        folders = {Path(predictions).name: predictions}
    runs_network = checkpoint is not None or not folders
    found, missing = _find(sets, data_root, strict, runs_network)
    details: dict[str, Any] = {"missing": missing, "metrics": metrics, "predictions": folders}
    note = describe(**metrics)
    if runs_network:
        path = find_checkpoint(checkpoint)
        network = load_network(path, pick_device(device))
        kind, why = _pick_precision(network, found[0][1], precision)
        details |= {"checkpoint": str(path), "size": network.size, "precision": kind}
        note += f" Network: {path} at {network.size} px in {why}."
    rows, scores = [], []
    for test_set, pairs in found:
        share = pairs[rank::world]
        sources: Sources = {}
        if baseline:
            sources["centred Gaussian"] = score_maps(gaussian_guess(share), normalize=normalize)
        for method, folder in folders.items():
            files = zip(find_maps(folder, share, test_set.title), (pair.mask for pair in share))
            sources[method] = score_files(list(files), normalize=normalize)
        if runs_network:
            maps = predict_pairs(network, share, batch_size, workers, getattr(torch, kind))
            target = Path(output) / "maps" / test_set.title if save_maps else None
            sources["ours"] = score_maps(maps, normalize=normalize, folder=target)
        for method, scored in sources.items():
            progress = tqdm(scored, f"{test_set.title}, {method}", len(share), disable=rank or None)
            published = test_set.published if method != "centred Gaussian" else {}
            row, lines = summarise(test_set.title, method, progress, published, metrics["max_f"])
            rows.append(row)
            scores += lines
    if rank == 0:
        print(markdown(rows), f"\n{note}")
        for row in rows:
            if row.resized:
                print(f"{row.dataset}, {row.method}: {row.resized} maps had another size")
        for problem in missing:
            print(f"not scored: {problem}")
        save(rows, scores, output, details, note)
        draw_curves(rows).savefig(Path(output) / "curves.png", dpi=120)
        print(f"saved in {output}")
    return rows


def _join_processes() -> tuple[int, int]:
    """This process's rank and their number, as torchrun or SLURM started them."""
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1 and not distributed.is_initialized():
        distributed.init_process_group("gloo")
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return rank, world


def _find(
    sets: list[TestSet], data_root: str, strict: bool, pictures: bool
) -> tuple[list[tuple[TestSet, list[Pair]]], list[str]]:
    """Sets with their pairs, and why the others are missing: an error if that is all of them."""
    found, missing = [], []
    for test_set in sets:
        try:
            found.append((test_set, test_set.pairs(data_root, strict, pictures)))
        except FileNotFoundError as error:
            missing.append(str(error))
    if not found:
        raise FileNotFoundError("\n".join(missing))
    return found, missing


def _pick_precision(
    network: SaliencyNetwork, pairs: list[Pair], name: Precision
) -> tuple[str, str]:
    """The name of the type to compute in, and the reason. A CPU's 16 bits must prove harmless."""
    device = next(network.parameters()).device
    kind = pick_precision(device, name)
    why = str(kind).removeprefix("torch.")
    if name == "auto" and device.type == "cpu" and kind != torch.float32:
        move = largest_move(network, pairs[:PROBE], kind)
        if move >= TOLERANCE:
            return "float32", f"float32 ({why} moves a figure of the first {PROBE} by {move:.4f})"
        return why, f"{why} (moves no figure of the first {PROBE} by more than {move:.4f})"
    return why, why


@hydra.main(version_base="1.3", config_path="configs", config_name="eval")
def main(config: DictConfig) -> None:
    with errors_for_people():
        plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        check_config(plain, evaluate)
        check_config(plain["metrics"], SaliencyMetrics, "metrics.")
        evaluate(**plain)


if __name__ == "__main__":
    main()
