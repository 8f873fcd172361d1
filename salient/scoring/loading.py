"""Load batches of pictures at a network's size with masks at their own, for GPUs and validation."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from salient.arrays import Mask, Picture
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.data.transforms import squash
from salient.devices import loader_workers


class ScoringBatch(NamedTuple):
    """`images` uint8 B,3,S,S (RGB); `masks`: B arrays uint8 H,W of their own sizes; `names`."""

    images: Tensor
    masks: Sequence[Mask]
    names: Sequence[str]


class ScoringSet(Dataset[ScoringBatch]):
    """Pictures at the network's size with masks at their own."""

    def __init__(self, pairs: Sequence[Pair], size: int, resize: str = "area") -> None:
        self.pairs, self.size, self.resize = list(pairs), size, resize

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> ScoringBatch:
        pair = self.pairs[index]
        image = to_tensor(squash(read_picture(pair), self.size, self.resize))
        return ScoringBatch(image, [read_truth(pair)], [pair.name])


def collate_scoring(samples: Sequence[ScoringBatch]) -> ScoringBatch:
    """Stack the pictures; keep the masks in a list, because their sizes differ."""
    masks = [mask for sample in samples for mask in sample.masks]
    names = [name for sample in samples for name in sample.names]
    return ScoringBatch(torch.stack([sample.images for sample in samples]), masks, names)


def start_worker(worker: int) -> None:
    """For loader processes: use one thread, and leave Ctrl-C and SIGTERM to the parent.

    Both signals reach the whole group of processes, but only the parent reacts.
    """
    cv2.setNumThreads(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def to_tensor(image: Picture) -> Tensor:
    """H,W,3 -> 3,H,W without a copy: the memory is channels-last already."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)


def scoring_loader(
    pairs: Sequence[Pair], size: int, resize: str, batch_size: int, workers: int | None
) -> DataLoader[ScoringBatch]:
    """Batches of the pairs in order, decoded by `workers` processes (see `loader_workers`)."""
    return DataLoader(
        ScoringSet(pairs, size, resize),
        batch_size,
        collate_fn=collate_scoring,
        num_workers=loader_workers(workers, 3 * batch_size * size * size),
        worker_init_fn=start_worker,
    )
