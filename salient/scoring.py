"""A network (or any other guess) on the pairs of a test set -> figures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import distributed
from torch.utils.data import DataLoader

from salient.data.dataset import ScoringSet, collate_scoring
from salient.data.images import read_mask
from salient.data.pairs import Pair
from salient.data.transforms import inference_transform, to_map
from salient.metrics import MaxF, PairScores, SaliencyMetrics, in_parallel, score_pair
from salient.model.network import SaliencyNetwork
from salient.results import CURVES, FIGURES, MORE_FIGURES, Row

Map = NDArray[np.uint8]
Prediction = tuple[str, Map, Map]  # a pair's name, its map and its mask, uint8 H,W
Scored = tuple[str, PairScores]


def predict_pairs(
    network: SaliencyNetwork,
    pairs: Sequence[Pair],
    batch_size: int = 8,
    workers: int | None = None,
    precision: torch.dtype = torch.float32,
) -> Iterator[Prediction]:
    """(name, map, mask) of each pair in order, both uint8 H,W of the mask's own size.

    Runs on the device that the network is on; loader processes decode ahead.
    """
    device = next(network.parameters()).device
    loader = DataLoader(
        ScoringSet(pairs, inference_transform(network.size)),
        batch_size,
        collate_fn=collate_scoring,
        num_workers=min(os.cpu_count() or 1, 16) if workers is None else workers,
        pin_memory=device.type == "cuda",
    )
    for batch in loader:
        probabilities = network.predict(batch.images, precision).saliency.numpy()
        for probability, mask, name in zip(probabilities, batch.masks, batch.names):
            yield name, to_map(probability, mask.shape), mask


def gaussian_guess(pairs: Sequence[Pair]) -> Iterator[Prediction]:
    """As `predict_pairs`, but the same centred Gaussian for every picture: the least to beat.

    Its deviation is a quarter of each side.
    """
    for pair in pairs:
        mask = read_mask(pair.mask)
        rows, columns = (np.exp(-8 * ((np.arange(n) + 0.5) / n - 0.5) ** 2) for n in mask.shape)
        yield pair.name, to_map(np.outer(rows, columns).astype(np.float32), mask.shape), mask


def score_maps(
    predictions: Iterable[Prediction], *, normalize: bool = True, folder: Path | None = None
) -> Iterator[Scored]:
    """(name, scores) of each prediction in order, on threads while the next are being made.

    With a `folder` each map is also written there, as `<name>.png`.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)

    def job(name: str, saliency: Map, mask: Map) -> PairScores:
        if folder is not None:
            Image.fromarray(saliency).save(folder / f"{name}.png")
        return score_pair(saliency, mask, normalize=normalize)

    return in_parallel((item[0], partial(job, *item)) for item in predictions)


def summarise(
    dataset: str,
    method: str,
    scored: Iterable[Scored],
    published: Mapping[str, float],
    max_f: MaxF = "curve",
) -> tuple[Row, list[dict[str, Any]]]:
    """The row of the pairs scored in all processes, and a line for each pair, by name."""
    metrics = SaliencyMetrics(max_f=max_f)
    lines: list[dict[str, Any]] = []
    for name, scores in scored:
        metrics.add(scores)
        line = {"dataset": dataset, "method": method, "name": name, "mae": scores.mae}
        line |= {"sm": scores.sm, "max_f": float(scores.f.max()), "weighted_f": scores.weighted_f}
        lines.append(line | {"max_e": float(scores.e.max()), "resized": scores.resized})
    computed = metrics.compute()  # sums over processes
    if distributed.is_initialized():
        shares: list[list[dict[str, Any]]] = [[]] * distributed.get_world_size()
        distributed.all_gather_object(shares, lines)
        lines = sorted(chain(*shares), key=lambda line: str(line["name"]))
    figures = {key: float(computed[key]) for key in (*FIGURES, *MORE_FIGURES)}
    curves = {key: computed[key].tolist() for key in CURVES}
    resized = sum(line["resized"] for line in lines)
    return Row(dataset, method, int(computed["pairs"]), figures, published, resized, curves), lines


def largest_move(
    network: SaliencyNetwork, pairs: Sequence[Pair], precision: torch.dtype, batch_size: int = 8
) -> float:
    """How much the figure that moves most moves on these pairs in `precision`, against float32."""
    rows = []
    for kind in (torch.float32, precision):
        maps = predict_pairs(network, pairs, batch_size, 0, kind)
        rows.append(summarise("", str(kind), score_maps(maps), {})[0])
    return max(abs(rows[0].figures[key] - rows[1].figures[key]) for key in FIGURES)
