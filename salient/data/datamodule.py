"""Training and validation loaders: DUTS-TR with a share held out, or any folder of pairs."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Subset

from salient.data.cache import cached_pairs
from salient.data.dataset import (
    EpochSampler,
    ScoringBatch,
    ScoringSet,
    TrainingLoader,
    TrainingSet,
    collate_scoring,
    leave_signals_to_parent,
)
from salient.data.pairs import Pair, find_folders, find_pairs
from salient.data.sample import write_sample
from salient.data.transforms import inference_transform, training_transform


class PairsDataModule(pl.LightningDataModule):
    """Pairs of one data set, split by a hash of the name into training and validation.

    Args:
        title: the data set's name, for messages.
        root: its folder under `data_root`; `sample` under `draw=True` is drawn there by code.
        data_root: where data sets lie.
        layouts: published (pictures, masks) folders under `data_root`.
        images, masks: the two folders themselves, instead of all the above.
        expected: how many pairs there should be.
        strict: another number of pairs is an error; else a warning.
        size: side in pixels of the squares made of the pictures, a multiple of 32.
        batch_size: pictures a step and process, at least 2 (the network normalises 1 x 1 maps).
        workers: loader processes; as many as there are cores, at most 16, if None.
        held_out: share of the pairs held out for validation, in (0, 1).
        seed: of order and augmentation.
        augmentation: arguments of `training_transform`.
        cache: train on decoded copies, made once under `data_root`/cache, whose shorter side has at
            most so many pixels; at least `size`. Validation reads the originals.
        draw: draw the embedded sample set under `data_root`/`root` first.

    Raises:
        ValueError: a value outside its range, or pairs that do not match (see `find_pairs`).
        FileNotFoundError: the folders are not there.
    """

    def __init__(
        self,
        title: str = "folder",
        root: str | None = None,
        data_root: str = "data",
        layouts: Sequence[tuple[str, str]] = (),
        images: str | None = None,
        masks: str | None = None,
        expected: int | None = None,
        strict: bool = True,
        size: int = 352,
        batch_size: int = 32,
        workers: int | None = None,
        held_out: float = 0.05,
        seed: int = 0,
        augmentation: Mapping[str, float] | None = None,
        cache: int | None = None,
        draw: bool = False,
    ) -> None:
        super().__init__()
        if size < 32 or size % 32:
            raise ValueError(f"data.size must be a positive multiple of 32, got {size}")
        if batch_size < 2:
            raise ValueError(f"data.batch_size must be at least 2, got {batch_size}")
        if workers is not None and workers < 0:
            raise ValueError(f"data.workers must be at least 0, got {workers}")
        if not 0 < held_out < 1:
            raise ValueError(f"data.held_out must be in (0, 1), got {held_out}")
        if cache is not None and cache < size:
            raise ValueError(f"data.cache must be at least data.size ({size}) or null, got {cache}")
        if (images is None) != (masks is None):
            raise ValueError("data.images and data.masks go together")
        if images is None and root is None:
            raise ValueError("data=folder needs data.images=DIR data.masks=DIR")
        self.title, self.root, self.data_root, self.layouts = title, root, data_root, layouts
        self.images, self.masks = images, masks
        self.expected, self.strict, self.draw = expected, strict, draw
        self.cache = cache
        self.batch_size, self.held_out, self.seed = batch_size, held_out, seed
        self.workers = min(os.cpu_count() or 1, 16) if workers is None else workers
        self.training_transform = training_transform(size, **(augmentation or {}))
        self.inference_transform = inference_transform(size)
        self.training_pairs: list[Pair] = []
        self.validation_pairs: list[Pair] = []

    def prepare_data(self) -> None:
        if self.draw and self.root is not None:
            write_sample(Path(self.data_root) / Path(self.root).parent)

    def setup(self, stage: str | None = None) -> None:
        if self.training_pairs:
            return
        if self.images is not None and self.masks is not None:
            images, masks = Path(self.images), Path(self.masks)
        else:
            images, masks = find_folders(self.data_root, str(self.root), self.layouts)
        pairs = find_pairs(
            images, masks, title=self.title, expected=self.expected, strict=self.strict
        )
        self.training_pairs, self.validation_pairs = split_pairs(pairs, self.held_out)
        if len(self.training_pairs) < self.batch_size or not self.validation_pairs:
            raise ValueError(
                f"{self.title}: {len(pairs)} pairs are too few for data.batch_size="
                f"{self.batch_size} and data.held_out={self.held_out}"
            )
        if self.cache is not None:
            source = zlib.crc32(str(images.resolve()).encode())
            folder = Path(self.data_root) / "cache" / f"{self.title}-{source:08x}-{self.cache}"
            self.training_pairs = cached_pairs(self.training_pairs, folder, self.cache)

    def train_dataloader(self) -> TrainingLoader:
        dataset = TrainingSet(self.training_pairs, self.training_transform, self.seed)
        processes, rank = self._processes()
        sampler = EpochSampler(dataset, processes, rank, seed=self.seed, drop_last=True)
        return TrainingLoader(
            dataset,
            self.batch_size,
            sampler=sampler,
            drop_last=True,
            given=self._batches_given,
            **self._loading(),
        )

    def val_dataloader(self) -> DataLoader[ScoringBatch]:
        dataset = ScoringSet(self.validation_pairs, self.inference_transform)
        processes, rank = self._processes()
        share = Subset(dataset, range(rank, len(dataset), processes))  # no padding, no repeats
        return DataLoader(share, self.batch_size, collate_fn=collate_scoring, **self._loading())

    def _batches_given(self) -> int:
        return self.trainer.fit_loop.epoch_loop.batch_progress.current.ready if self.trainer else 0

    def _processes(self) -> tuple[int, int]:
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def _loading(self) -> dict[str, Any]:
        return {
            "num_workers": self.workers,
            "persistent_workers": self.workers > 0,
            "worker_init_fn": leave_signals_to_parent,
            "pin_memory": self.trainer is not None
            and self.trainer.strategy.root_device.type == "cuda",
        }


def split_pairs(pairs: Sequence[Pair], held_out: float) -> tuple[list[Pair], list[Pair]]:
    """Training and validation pairs. A name's side depends on the name alone, on every machine."""
    validation = [p for p in pairs if zlib.crc32(p.name.encode()) / 2**32 < held_out]
    names = {p.name for p in validation}
    return [p for p in pairs if p.name not in names], validation
