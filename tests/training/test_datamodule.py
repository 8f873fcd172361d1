"""Transforms, samples, loaders: seeded, worker-independent, exact."""

from __future__ import annotations

import os
import shutil
import tarfile

import cv2
import numpy as np
import pytest
import torch

from salient.data.annotations import unpacked
from salient.data.images import read_image, read_mask
from salient.data.pairs import find_pairs
from salient.data.sets import PairSet
from salient.data.transforms import squash
from salient.scoring.loading import ScoringSet, collate_scoring
from salient.training.batches import EpochSampler, TrainingSet
from salient.training.datamodule import PairsDataModule
from tests.fixtures.runs import augmentation
from tests.fixtures.runs import datamodule as build


@pytest.fixture(scope="module")
def pairs(sample_root):
    return find_pairs(sample_root / "sample/train/images", sample_root / "sample/train/masks")


def module(data_root, *sets, **changes) -> PairsDataModule:
    datamodule = build(data_root, *sets, **({"batch_size": 8} | changes))
    datamodule.setup()
    return datamodule


def epoch_of(datamodule, epoch: int) -> list:
    loader = datamodule.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return list(loader)


def test_two_runs_with_one_seed_see_the_same_samples_whatever_the_workers(sample_root):
    alone, helped = module(sample_root, workers=0), module(sample_root, workers=2)
    for epoch in (0, 1):
        for a, b in zip(epoch_of(alone, epoch), epoch_of(helped, epoch), strict=True):
            assert a.names == b.names
            assert torch.equal(a.images, b.images) and torch.equal(a.masks, b.masks)


def test_epochs_and_seeds_differ(sample_root):
    first = epoch_of(module(sample_root), 0)[0]
    for other in (epoch_of(module(sample_root), 1)[0], epoch_of(module(sample_root, seed=1), 0)[0]):
        assert first.names != other.names
    dataset = module(sample_root).train_dataloader().dataset
    assert not torch.equal(dataset[0, 5].images, dataset[1, 5].images)


def test_shards_of_webdataset_give_the_batches_of_folders(sample_root, tmp_path):
    root = sample_root / "sample/train"
    for shard in (0, 1):
        with tarfile.open(tmp_path / f"train-{shard}.tar", "w") as archive:
            for image in sorted((root / "images").iterdir())[shard:20:2]:
                archive.add(image, f"{image.stem}.png")
                archive.add(root / "masks" / image.name, f"{image.stem}.mask.png")
                for part in ("images", "masks"):
                    (tmp_path / part).mkdir(exist_ok=True)
                    shutil.copy(root / part / image.name, tmp_path / part)
    shards = PairSet("shards", images=f"{tmp_path}/train-*.tar")
    folders = PairSet("folders", images=f"{tmp_path}/images", masks=f"{tmp_path}/masks")
    for cache in (None, 64):
        both = [module(tmp_path, one, cache=cache, held_out=0.2) for one in (shards, folders)]
        for a, b in zip(*(epoch_of(one, 1) for one in both), strict=True):
            assert a.names == b.names
            assert torch.equal(a.images, b.images) and torch.equal(a.masks, b.masks)
    unpacked.cache_clear()  # as in another process
    module(tmp_path, shards, cache=64, held_out=0.2)
    assert len(list((tmp_path / "cache").iterdir())) == 2  # one for each set


def test_processes_divide_an_epoch_without_overlap(pairs):
    dataset = TrainingSet(pairs, augmentation()(64), seed=0)
    shares = [list(EpochSampler(dataset, 2, rank, seed=3, drop_last=True)) for rank in (0, 1)]
    assert not set(shares[0]) & set(shares[1]) and len(shares[0]) == len(shares[1]) == 48


def test_batches_have_their_stated_shapes(sample_root):
    datamodule = module(sample_root)
    batch = epoch_of(datamodule, 0)[0]
    assert batch.images.shape == (8, 3, 64, 64) and batch.images.dtype == torch.uint8
    assert batch.masks.shape == (8, 1, 64, 64) and set(batch.masks.unique().tolist()) <= {0, 1}
    scoring = next(iter(datamodule.val_dataloader()))
    assert scoring.images.shape[1:] == (3, 64, 64) and scoring.images.dtype == torch.uint8
    assert len(scoring.masks) == len(scoring.names) == len(scoring.images)
    assert len({mask.shape for mask in scoring.masks}) > 1  # their own sizes


def test_picture_and_mask_are_moved_together():
    """A picture that shows its own mask still does after every augmentation."""
    yy, xx = np.mgrid[:120, :160]
    mask = ((((yy - 50) / 30) ** 2 + ((xx - 70) / 45) ** 2) < 1).astype(np.uint8) * 255
    image = np.repeat(mask[..., None], 3, 2)
    transform = augmentation(brightness=0, contrast=0, saturation=0, hue=0)(128)
    for seed in range(20):
        transform.set_random_seed(seed)
        both = transform(image=image, mask=mask)
        disagree = (both["image"][..., 0] > 128) != (both["mask"] > 128)
        assert disagree.mean() < 0.002, seed


def test_the_augmentation_does_what_its_keys_say(pairs):
    colours = dict(brightness=0, contrast=0, saturation=0, hue=0)
    still = augmentation(crop=0, rotate=0, **colours)(64)
    image = cv2.imread(str(pairs[0].image))
    expected = squash(image, 64).astype(int)
    seen = set()
    for seed in range(8):
        still.set_random_seed(seed)
        result = still(image=image)["image"].astype(int)
        flipped = np.abs(result - expected[:, ::-1]).max() <= 2
        assert flipped or np.abs(result - expected).max() <= 2
        seen.add(flipped)
    assert seen == {True, False}  # the flip, and nothing else
    grey = augmentation(grey=1)(64)(image=image)["image"]
    assert (grey == grey[..., :1]).all() and not (result == result[..., :1]).all()


def test_a_batch_is_of_all_pairs_where_they_are_fewer(sample_root):
    datamodule = module(sample_root, held_out=0.9, batch_size=64)
    (batch,) = epoch_of(datamodule, 0)
    assert len(batch.images) == len(datamodule.training_pairs) < 64


def test_a_cache_holds_the_same_pairs_shrunk_once(sample_root, tmp_path):
    folder = sample_root / "sample/train"
    folders = dict(images=str(folder / "images"), masks=str(folder / "masks"))
    mine, still = PairSet("folder", **folders), augmentation(crop=0, rotate=0)
    plain = module(tmp_path, mine, augmentation=still)
    cached = module(tmp_path, mine, augmentation=still, cache=96)
    (copies,) = (tmp_path / "cache").iterdir()
    assert copies.name.startswith("folder-") and copies.name.endswith("-96")
    assert cached.validation_pairs == plain.validation_pairs
    assert [p.name for p in cached.training_pairs] == [p.name for p in plain.training_pairs]
    for pair, copy in zip(plain.training_pairs[:9], cached.training_pairs):
        image, mask = read_image(copy.image), read_mask(copy.mask)
        assert min(image.shape[:2]) == 96 and mask.shape == image.shape[:2]
        size = image.shape[1::-1]
        expected = cv2.resize(read_image(pair.image), size, interpolation=cv2.INTER_AREA)
        assert np.array_equal(image, expected)
        assert mask.mean() == pytest.approx(read_mask(pair.mask).mean(), abs=1)
    a, b = (next(iter(x.train_dataloader())) for x in (plain, cached))
    assert a.names == b.names
    assert (a.images.float() - b.images.float()).abs().mean() < 5
    assert (a.masks != b.masks).float().mean() < 0.02

    first = cached.training_pairs[0].image
    first.write_bytes(b"")
    before = {path: path.stat().st_mtime_ns for path in copies.rglob("*.*")}
    module(tmp_path, mine, augmentation=still, cache=96)
    assert before == {path: path.stat().st_mtime_ns for path in copies.rglob("*.*")}
    os.utime(first, (0, 0))  # older than its original
    module(tmp_path, mine, augmentation=still, cache=96)
    assert read_image(first).shape[0] >= 96


def test_scoring_sets_hold_the_masks_untouched(pairs):
    samples = [ScoringSet(pairs, 64)[i] for i in (0, 1)]
    batch = collate_scoring(samples)
    for mask, pair in zip(batch.masks, pairs):
        np.testing.assert_array_equal(mask, cv2.imread(str(pair.mask), cv2.IMREAD_GRAYSCALE))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": 100}, "^size must be a multiple of 32, got 100"),
        ({"batch_size": 1}, "^batch_size must be at least 2, got 1"),
        ({"workers": -1}, "^workers must be at least 0, got -1"),
        ({"held_out": 0.0}, "^held_out must be above 0, got 0.0"),
        ({"augmentation": augmentation(crop=0.7)}, "^crop must be below 0.5, got 0.7"),
        ({"cache": 32}, "^cache must be at least the size"),
        ({"held_out": 0.2, "fold": 5}, "^fold must be below 5"),
        ({"fold": 1, "held_out_synsets": 3}, "^fold and held_out_synsets"),
        ({"held_out_synsets": 3}, "and 0 held out by held_out_synsets=3"),
        ({"held_out": 1e-9}, "too few pairs: 96 to train on and 0 held out by held_out"),
    ],
)
def test_bad_values_name_their_parameter(sample_root, changes, named):
    with pytest.raises(ValueError, match=named):
        module(sample_root, **changes)


def test_several_sets_are_trained_on_together(sample_root):
    train, test = PairSet("a", root="sample/train"), PairSet("b", root="sample/test")
    both = module(sample_root, train, test)
    alone = [module(sample_root, train), module(sample_root, test)]
    assert both.title == "a + b"
    for side in ("training_pairs", "validation_pairs"):
        expected = getattr(alone[0], side) + getattr(alone[1], side)
        assert getattr(both, side) == expected


def test_strict_refuses_another_count_in_training_too(sample_root):
    short = PairSet("short", root="sample/train", expected=97)
    with pytest.raises(ValueError, match="short: 96 of 97 pairs .*strict=false"):
        module(sample_root, short)
    with pytest.warns(UserWarning, match="96 of 97"):
        assert module(sample_root, short, strict=False).training_pairs
