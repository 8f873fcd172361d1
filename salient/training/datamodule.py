"""Training and validation loaders over the pairs of one or several sets."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import albumentations as A
import pytorch_lightning as pl
from pydantic import Field
from torch.utils.data import DataLoader, Subset

from salient.config import Amount, AnyPath, ConfigError, Part, Seed, Workers, checked
from salient.data.cache import cached_pairs
from salient.data.pairs import Pair
from salient.data.sets import PairSet
from salient.data.soft import SoftPair, SoftSet
from salient.data.splits import split_pairs
from salient.data.transforms import MASK_THRESHOLD
from salient.devices import loader_workers
from salient.model.base import Side
from salient.scoring.loading import ScoringBatch, ScoringSet, collate_scoring, start_worker
from salient.training.augmentation import training_transform
from salient.training.batches import EpochSampler, TrainingLoader, TrainingSet
from salient.training.mixing import MixedSampler

CHANNELS = 4  # bytes of a pixel in a batch: a picture's and a mask's


@checked
class PairsDataModule(pl.LightningDataModule):
    """Pairs of one or several sets, split by a hash of the name into training and validation.

    Args:
        sets: the sets to train on; their pairs are mixed.
        data_root: the folder of the data sets.
        strict: whether a wrong number of pairs is an error or only a warning.
        size: side in pixels that pictures are squashed to, a multiple of 32.
        batch_size: pictures per step and process, at least 2 (the network normalises 1 x 1 maps);
            all pairs if there are fewer.
        workers: loader processes; by default one per core, at most 16.
        held_out: fraction of the pairs held out for validation, in (0, 1).
        fold: None chooses pairs by a hash of the name, so that a pair never changes sides. A number
            k takes exactly the k-th of 1 / `held_out` equal parts in the order of the hashes.
        held_out_synsets: above 0, hold out this many whole synsets of ImageNet, and the pictures of
            SUN, instead; see `split_synsets`.
        seed: the seed of order and augmentation.
        augmentation: makes a transform for a size, as `training_transform` does.
        cache: train on decoded copies, made once in `data_root`/cache, with a shorter side of at
            most this many pixels; at least `size`. Validation reads the originals.
        soft_share: fraction of each batch that comes from sets with soft labels, if there are any;
            see `MixedSampler`. An epoch is one pass over the others. Soft sets are not validated.

    Raises:
        ValueError: a value outside its range, or pairs that do not match (see `find_pairs`).
        FileNotFoundError: a set is missing.
    """

    def __init__(
        self,
        sets: Sequence[PairSet | SoftSet],
        data_root: AnyPath = "data",
        strict: bool = True,
        size: Side = 352,
        batch_size: Annotated[int, Field(ge=2, le=4096)] = 32,
        workers: Workers | None = None,
        held_out: Part = 0.05,
        fold: Amount | None = None,
        seed: Seed = 0,
        augmentation: Callable[[int], A.Compose] = training_transform,
        cache: int | None = None,
        held_out_synsets: Amount = 0,
        soft_share: Part = 0.5,
    ) -> None:
        super().__init__()
        if fold is not None and fold >= round(1 / held_out):
            parts = f"{round(1 / held_out)}, the number of parts by held_out={held_out}"
            raise ConfigError(f"fold must be below {parts}, got {fold}")
        if fold is not None and held_out_synsets:
            raise ConfigError("fold and held_out_synsets: give only one of them")
        if cache is not None and cache < size:
            raise ConfigError(f"cache must be at least the size ({size}) or null, got {cache}")
        self.sets, self.data_root, self.strict = list(sets), data_root, strict
        self.size, self.batch_size = size, batch_size
        self.held_out, self.fold = held_out, fold
        self.held_out_synsets = held_out_synsets
        self.seed, self.cache = seed, cache
        self.workers = loader_workers(workers, batch_size * size * size * CHANNELS)
        self.transform = augmentation(size)
        self.soft_share = soft_share
        self.training_pairs: list[Pair] = []
        self.soft_pairs: list[SoftPair] = []
        self.validation_pairs: list[Pair] = []

    @property
    def title(self) -> str:
        """The names of the sets, joined by a plus sign."""
        return " + ".join(pair_set.title for pair_set in self.sets)

    def setup(self, stage: str | None = None) -> None:
        if self.training_pairs:
            return
        for pair_set in self.sets:
            if isinstance(pair_set, SoftSet):
                self.soft_pairs += pair_set.pairs(self.data_root, self.strict)
                continue
            pairs = pair_set.pairs(self.data_root, self.strict)
            training, validation = split_pairs(
                pairs, self.held_out, self.fold, self.held_out_synsets
            )
            if self.cache is not None:
                training = cached_pairs(training, self._cache_folder(pair_set), self.cache)
            self.training_pairs += training
            self.validation_pairs += validation
        count = len(self.training_pairs), len(self.validation_pairs)
        if count[0] < 2 or not count[1]:
            synsets = self.held_out_synsets
            key = f"held_out_synsets={synsets}" if synsets else f"held_out={self.held_out}"
            raise ValueError(
                f"{self.title}: too few pairs: {count[0]} to train on and {count[1]} held out by "
                f"{key}; at least 2 and 1 are needed"
            )

    def _cache_folder(self, pair_set: PairSet) -> Path:
        images = pair_set.images or pair_set.folders(self.data_root)[0]  # copies are elsewhere
        source = zlib.crc32(str(Path(str(images)).resolve()).encode())
        name = f"{pair_set.title}-{source:08x}-{self.cache}"
        if pair_set.mask_threshold != MASK_THRESHOLD:  # copies store the mask above the threshold
            name += f"-above-{pair_set.mask_threshold}"
        if pair_set.exif != "apply":  # copies are upright
            name += "-stored"
        if pair_set.white is not None:
            name += f"-white-{pair_set.white:g}"
        return Path(self.data_root) / "cache" / name

    def train_dataloader(self) -> TrainingLoader:
        pairs: list[Pair | SoftPair] = [*self.training_pairs, *self.soft_pairs]
        dataset = TrainingSet(pairs, self.transform, self.seed)
        sampler, batch_size = self._sampler(dataset)
        return TrainingLoader(
            dataset,
            batch_size,
            sampler=sampler,
            drop_last=True,
            batches_done=self._batches_done,
            **self._loading(),
        )

    def _sampler(self, dataset: TrainingSet) -> tuple[EpochSampler, int]:
        """The order of the pictures, and how many a batch has."""
        processes, rank = self._processes()
        if not self.soft_pairs:
            plain = EpochSampler(dataset, processes, rank, seed=self.seed, drop_last=True)
            return plain, min(self.batch_size, len(plain))
        counts = len(self.training_pairs), len(self.soft_pairs)
        share, size = self.soft_share, self.batch_size
        mixed = MixedSampler(*counts, size, share, processes, rank, self.seed)
        return mixed, mixed.batch_size

    def val_dataloader(self) -> DataLoader[ScoringBatch]:
        dataset = ScoringSet(self.validation_pairs, self.size)
        processes, rank = self._processes()
        part = Subset(dataset, range(rank, len(dataset), processes))  # no padding, no repeats
        return DataLoader(part, self.batch_size, collate_fn=collate_scoring, **self._loading())

    def _batches_done(self) -> int:
        return self.trainer.fit_loop.epoch_loop.batch_progress.current.ready if self.trainer else 0

    def _processes(self) -> tuple[int, int]:
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def _loading(self) -> dict[str, Any]:
        return {
            "num_workers": self.workers,
            "persistent_workers": self.workers > 0,
            "worker_init_fn": start_worker,
            "pin_memory": self.trainer is not None
            and self.trainer.strategy.root_device.type == "cuda",
        }
