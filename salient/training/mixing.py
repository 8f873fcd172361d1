"""Labelled and softly labelled pictures in each batch, in fixed numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch.utils.data import DistributedSampler

from salient.training.batches import EpochSampler


class MixedSampler(EpochSampler):
    """An `EpochSampler` over labelled pictures that adds softly labelled ones to each batch.

    An epoch is one pass over the labelled pictures. The soft ones are shuffled separately and used
    pass after pass over the epochs; their key has their own pass instead of the epoch. Seed and
    epoch decide everything, so it is the same after a resume and over several processes.

    Args:
        labelled: how many pictures have masks; they come first in the data set.
        soft: how many softly labelled pictures follow.
        batch_size: pictures in a batch, of both kinds.
        share: fraction of a batch that is soft, in (0, 1): at least one picture and not all.
        processes, rank: number of processes, and which this one is.
        seed: of both orders.

    Attributes:
        batch_size: the actual size of a batch; smaller if there are too few labelled pictures.
    """

    def __init__(
        self,
        labelled: int,
        soft: int,
        batch_size: int,
        share: float,
        processes: int,
        rank: int,
        seed: int,
    ) -> None:
        super().__init__(range(labelled), processes, rank, seed=seed, drop_last=True)  # type: ignore[arg-type]
        self.soft_count = soft
        self.soft_each = min(max(round(share * batch_size), 1), batch_size - 1)
        self.labelled_each = min(batch_size - self.soft_each, super().__len__())
        self.batches = super().__len__() // self.labelled_each
        self.batch_size = self.labelled_each + self.soft_each

    def __len__(self) -> int:
        return self.batches * self.batch_size

    def __iter__(self):  # type: ignore[no-untyped-def]
        return islice(self._keys(), self.skip, None)

    def _keys(self) -> Iterator[tuple[int, int]]:
        order: Iterator[int] = DistributedSampler.__iter__(self)  # type: ignore[arg-type]
        labelled = ((self.epoch, index) for index in order)
        soft = self._soft_keys(self.epoch * self.batches * self.soft_each)
        for _ in range(self.batches):
            yield from islice(labelled, self.labelled_each)
            yield from islice(soft, self.soft_each)

    def _soft_keys(self, taken: int) -> Iterator[tuple[int, int]]:
        """(pass, index) of this process, from the `taken`-th on."""
        order, known = torch.empty(0), -1
        while True:
            number, place = divmod(taken * self.num_replicas + self.rank, self.soft_count)
            if number != known:
                generator = torch.Generator().manual_seed(1_000_003 * (number + 1) + self.seed)
                order, known = torch.randperm(self.soft_count, generator=generator), number
            yield number, self.soft_begin + int(order[place])
            taken += 1

    @property
    def soft_begin(self) -> int:
        """The index of the first soft picture."""
        return len(self.dataset)  # type: ignore[arg-type]
