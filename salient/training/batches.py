"""A pair -> an augmented sample -> a batch: the same after a resume and on any machine."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import albumentations as A
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.data.soft import SoftPair, read_soft
from salient.data.transforms import MASK_THRESHOLD
from salient.scoring.loading import to_tensor


class TrainingBatch(NamedTuple):
    """`images` uint8 B,3,S,S (RGB), `masks` B,1,S,S, `names` B. Or one sample.

    Masks are uint8 in {0, 1}, or soft labels: float in [0, 1]. For pixel weights and the edge,
    soft labels above .5 count as foreground.
    """

    images: Tensor
    masks: Tensor
    names: Sequence[str]


class TrainingSet(Dataset[TrainingBatch]):
    """Augmented samples, indexed by (epoch, index).

    A sample depends only on the seed, the epoch and its name; not on the number of workers or
    processes, nor on interruptions of the run.
    """

    def __init__(self, pairs: Sequence[Pair | SoftPair], transform: A.Compose, seed: int) -> None:
        self.pairs, self.transform, self.seed = list(pairs), transform, seed
        soft = any(isinstance(pair, SoftPair) for pair in self.pairs)
        self.dtype = torch.float32 if soft else torch.uint8  # of the masks in all batches

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: tuple[int, int]) -> TrainingBatch:
        epoch, index = key
        pair = self.pairs[index]
        name = pair.name
        self.transform.set_random_seed(zlib.crc32(f"{self.seed}/{epoch}/{name}".encode()))
        if isinstance(pair, SoftPair):
            picture, label = read_soft(pair)
            augmented = self.transform(image=picture, mask=label)
            mask = torch.from_numpy(augmented["mask"]).float() / 255
        else:
            augmented = self.transform(image=read_picture(pair), mask=read_truth(pair))
            mask = torch.from_numpy(augmented["mask"] > MASK_THRESHOLD).to(self.dtype)
        return TrainingBatch(to_tensor(augmented["image"]), mask[None], name)


class EpochSampler(DistributedSampler[TrainingBatch]):
    """Shuffled (epoch, index) keys for this process, the same for one seed on any machine.

    Lightning calls `set_epoch` before each epoch and does not replace a DistributedSampler.
    When an interrupted epoch continues, its first `skip` keys are omitted.
    """

    skip = 0

    def __iter__(self):  # type: ignore[no-untyped-def]  # the base promises bare indices
        return ((self.epoch, index) for index in islice(super().__iter__(), self.skip, None))


class TrainingLoader(DataLoader[TrainingBatch]):
    """A DataLoader over an `EpochSampler` that can continue within an epoch.

    `batches_done` returns how many batches of this epoch were used before an interruption. It is
    called when an epoch starts.
    """

    sampler: EpochSampler

    def __init__(self, *arguments: Any, batches_done: Callable[[], int], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.batches_done = batches_done

    def __iter__(self) -> Any:
        self.sampler.skip = self.batches_done() * int(self.batch_size or 1)
        yield from super().__iter__()
