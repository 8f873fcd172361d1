"""A pair -> a sample -> a batch."""

from __future__ import annotations

import signal
import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import albumentations as A
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from salient.data.images import read_image, read_mask
from salient.data.pairs import Pair
from salient.data.transforms import MASK_THRESHOLD


class TrainingBatch(NamedTuple):
    """`images` uint8 B,3,S,S (RGB), `masks` uint8 B,1,S,S in {0, 1}, `names` B. Or one sample."""

    images: Tensor
    masks: Tensor
    names: Sequence[str]


class ScoringBatch(NamedTuple):
    """`images` uint8 B,3,S,S (RGB); `masks` B arrays uint8 H,W of the files' own sizes; `names`."""

    images: Tensor
    masks: Sequence[NDArray[np.uint8]]
    names: Sequence[str]


class TrainingSet(Dataset[TrainingBatch]):
    """Augmented samples, indexed by (epoch, index).

    A sample depends on the seed, the epoch and its name alone: not on the number of workers or
    processes, nor on where a run was interrupted.
    """

    def __init__(self, pairs: Sequence[Pair], transform: A.Compose, seed: int) -> None:
        self.pairs, self.transform, self.seed = list(pairs), transform, seed

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: tuple[int, int]) -> TrainingBatch:
        epoch, index = key
        pair = self.pairs[index]
        self.transform.set_random_seed(zlib.crc32(f"{self.seed}/{epoch}/{pair.name}".encode()))
        augmented = self.transform(image=read_image(pair.image), mask=read_mask(pair.mask))
        mask = torch.from_numpy(augmented["mask"] > MASK_THRESHOLD).to(torch.uint8)
        return TrainingBatch(_to_tensor(augmented["image"]), mask[None], pair.name)


class ScoringSet(Dataset[ScoringBatch]):
    """Pictures at the network's size beside masks at their own."""

    def __init__(self, pairs: Sequence[Pair], transform: A.Compose) -> None:
        self.pairs, self.transform = list(pairs), transform

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> ScoringBatch:
        pair = self.pairs[index]
        image = self.transform(image=read_image(pair.image))["image"]
        return ScoringBatch(_to_tensor(image), [read_mask(pair.mask)], [pair.name])


def collate_scoring(samples: Sequence[ScoringBatch]) -> ScoringBatch:
    """Stack the pictures; list the masks, whose sizes differ."""
    masks = [mask for sample in samples for mask in sample.masks]
    names = [name for sample in samples for name in sample.names]
    return ScoringBatch(torch.stack([sample.images for sample in samples]), masks, names)


class EpochSampler(DistributedSampler[TrainingBatch]):
    """Shuffled (epoch, index) keys of this process's share, the same for one seed on any machine.

    Lightning calls `set_epoch` before each epoch and leaves a DistributedSampler as it is.
    `skip` keys are left out at the beginning of an epoch that goes on after an interruption.
    """

    skip = 0

    def __iter__(self):  # type: ignore[no-untyped-def]  # the base promises bare indices
        return ((self.epoch, index) for index in islice(super().__iter__(), self.skip, None))


class TrainingLoader(DataLoader[TrainingBatch]):
    """A DataLoader over an `EpochSampler` that goes on within an epoch.

    `given` tells how many batches of this epoch were given out before an interruption; it is
    asked when an epoch's first batch is.
    """

    sampler: EpochSampler

    def __init__(self, *arguments: Any, given: Callable[[], int], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.given = given

    def __iter__(self) -> Any:
        self.sampler.skip = self.given() * int(self.batch_size or 1)
        yield from super().__iter__()


def leave_signals_to_parent(worker: int) -> None:
    """For loader processes: Ctrl-C and SIGTERM reach the whole group, but only its head decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _to_tensor(image: NDArray[np.uint8]) -> Tensor:
    """H,W,3 -> 3,H,W without a copy: the memory is channels-last already."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
