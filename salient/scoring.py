"""A network (or any other guess) on the pairs of a test set -> figures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from salient.data.dataset import ScoringSet, collate_scoring
from salient.data.images import read_mask
from salient.data.pairs import Pair
from salient.data.transforms import inference_transform, to_map
from salient.metrics import SaliencyMetrics
from salient.model.network import SaliencyNetwork

Map = NDArray[np.uint8]


def predict_pairs(
    network: SaliencyNetwork, pairs: Sequence[Pair], batch_size: int = 8, workers: int | None = None
) -> Iterator[tuple[str, Map, Map]]:
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
        probabilities = network.predict(batch.images).numpy()
        for probability, mask, name in zip(probabilities, batch.masks, batch.names):
            yield name, to_map(probability, mask.shape), mask


def gaussian_guess(pairs: Sequence[Pair]) -> Iterator[tuple[str, Map, Map]]:
    """As `predict_pairs`, but the same centred Gaussian for every picture: the least to beat.

    Its deviation is a quarter of each side.
    """
    for pair in pairs:
        mask = read_mask(pair.mask)
        rows, columns = (np.exp(-8 * ((np.arange(n) + 0.5) / n - 0.5) ** 2) for n in mask.shape)
        yield pair.name, to_map(np.outer(rows, columns).astype(np.float32), mask.shape), mask


def score(predictions: Iterator[tuple[str, Map, Map]]) -> SaliencyMetrics:
    """Sum up (name, map, mask) triples."""
    metrics = SaliencyMetrics()
    for _, saliency, mask in predictions:
        metrics.update(saliency, mask)
    return metrics
