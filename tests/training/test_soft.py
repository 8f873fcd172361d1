"""Photographs labelled by saved maps: read, mixed into each batch, trained on, never scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from salient.cli.build import build_sets, build_training_sets
from salient.config import ConfigError
from salient.data.sets import PairSet
from salient.data.soft import SoftPair, SoftSet, read_soft
from salient.training.losses import SaliencyLoss
from salient.training.mixing import MixedSampler
from tests.fixtures import runs


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Seven photographs of a ramp, and maps of another size that are the ramp itself."""
    folder = tmp_path_factory.mktemp("soft")
    ramp = np.tile(np.linspace(0, 255, 80).astype(np.uint8), (60, 1))
    for name, size in (("photos", (80, 60)), ("photos-maps", (64, 64))):
        (folder / name).mkdir()
        for k in range(7):
            picture = Image.fromarray(ramp).resize(size, Image.Resampling.BILINEAR)
            mode = "RGB" if name == "photos" else "L"
            picture.convert(mode).save(folder / name / f"{k}.png")
    return folder


def soft_set(**changes):
    return SoftSet("photos", **(dict(root="photos", layouts=[("photos", "photos-maps")]) | changes))


def test_a_set_is_found_and_checked(photos, tmp_path):
    pairs = soft_set().pairs(photos)
    assert [pair.name for pair in pairs] == list("0123456")
    assert pairs[0] == SoftPair("0", photos / "photos/0.png", photos / "photos-maps/0.png")
    named = soft_set(images=str(photos / "photos"), masks=str(photos / "photos-maps"))
    assert named.pairs("nowhere") == pairs
    picture, label = read_soft(pairs[3])
    assert picture.shape == (60, 80, 3) and label.shape == (60, 80)
    assert np.abs(label.astype(int) - picture[..., 0]).max() <= 4  # grey values, not a mask
    (tmp_path / "maps").mkdir()
    Image.open(pairs[2].label).save(tmp_path / "maps/2.png")
    some = soft_set(images=str(photos / "photos"), masks=str(tmp_path / "maps"))
    with pytest.raises(ValueError, match="photos: pictures without a map .*: 0, 1, 3"):
        some.pairs(".")
    assert [pair.name for pair in some.pairs(".", strict=False)] == ["2"]
    with pytest.raises(FileNotFoundError, match="no folders"):
        soft_set().pairs(tmp_path)


@pytest.mark.parametrize("processes", [1, 2])
def test_each_batch_has_its_share_and_every_soft_picture_its_turn(processes):
    seen = []
    for epoch in range(6):
        keys = []
        for rank in range(processes):
            sampler = MixedSampler(21, 7, 8, 0.25, processes, rank, seed=3)
            sampler.set_epoch(epoch)
            mine = list(sampler)
            assert len(mine) == len(sampler) == 8 * (21 // processes // 6)
            for start in range(0, len(mine), 8):
                batch = [index for _, index in mine[start : start + 8]]
                assert [index >= 21 for index in batch] == [False] * 6 + [True] * 2
            sampler.skip = 8  # goes on within the epoch
            assert list(sampler) == mine[8:]
            keys += mine
        labelled = [key for key in keys if key[1] < 21]
        assert len(set(labelled)) == len(labelled) and {key[0] for key in labelled} == {epoch}
        seen += [key for key in keys if key[1] >= 21]
    assert len(set(seen)) == len(seen)  # (pass, index): none twice in a pass
    passes = len(seen) // 7
    assert {key for key in seen if key[0] < passes} == {
        (number, index) for number in range(passes) for index in range(21, 28)
    }


def test_a_batch_is_smaller_where_labelled_pictures_are_few():
    sampler = MixedSampler(3, 7, 16, 0.5, 1, 0, seed=0)
    assert sampler.batch_size == 3 + 8 == len(sampler) == len(list(sampler))
    assert MixedSampler(30, 7, 2, 0.01, 1, 0, seed=0).soft_each == 1


def test_labels_stay_grey_through_crop_and_flip(photos, sample_root):
    """The picture is its own label, so both stay equal whatever the crop."""
    still = runs.augmentation(brightness=0, contrast=0, saturation=0, hue=0)
    images, maps = str(photos / "photos"), str(photos / "photos-maps")
    soft = soft_set(images=images, masks=maps)
    data = runs.datamodule(sample_root, runs.SAMPLE, soft, augmentation=still, batch_size=8)
    data.setup()
    assert data.title == "sample + photos" and len(data.soft_pairs) == 7
    assert not {pair.name for pair in data.validation_pairs} & set("0123456")
    batch = next(iter(data.train_dataloader()))
    assert batch.images.shape == (8, 3, 64, 64) and batch.masks.dtype == torch.float32
    masks, labels = batch.masks[:4], batch.masks[4:]
    assert set(masks.unique().tolist()) <= {0, 1}
    assert all(name in "0123456" for name in batch.names[4:])
    difference = (labels - batch.images[4:, :1].float() / 255).abs()
    assert difference.mean() < 0.01 and 0.2 < labels.mean() < 0.8
    assert ((labels > 0.1) & (labels < 0.9)).float().mean() > 0.5


def test_soft_labels_are_trained_on_and_weighted_by_their_thresholded_mask(photos, small_network):
    network = small_network().train()
    torch.manual_seed(0)
    images = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    labels = torch.rand(4, 1, 64, 64)
    outputs = network(network.normalize(images))
    masks = (labels > 0.5).float()
    expected = SaliencyLoss()(outputs, masks, labels, network.maps).total
    task = runs.task(network, scales=[1])

    class Fit:  # what the task asks its trainer
        current_epoch, global_step, estimated_stepping_batches = 0, 0, 100

    task._trainer, task.log, task.log_dict = Fit, lambda *a, **b: None, lambda *a, **b: None
    from salient.training.batches import TrainingBatch

    total = task.training_step(TrainingBatch(images, labels, list("abcd")), 0)
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_soft_sets_alone_cannot_be_trained_on_and_none_is_scored(photos, sample_root):
    data = runs.datamodule(photos, soft_set())
    with pytest.raises(ValueError, match="photos: too few pairs: 0 to train on"):
        data.setup()
    node = {"_target_": "salient.data.soft.SoftSet", "title": "photos"}
    with pytest.raises(ConfigError, match="dataset.photos: its labels are a teacher's maps"):
        build_sets({"photos": node})
    pair_set = {"_target_": "salient.data.sets.PairSet", "title": "mine"}
    kinds = [type(one) for one in build_training_sets({"photos": node, "mine": pair_set})]
    assert kinds == [SoftSet, PairSet]
    with pytest.raises(ConfigError, match="dataset.x: its _target_ builds a list"):
        build_training_sets({"x": {"_target_": "builtins.list"}})


def test_the_config_of_photographs(composed):
    config = composed("train", "dataset=[duts_tr,photos]")
    soft = config["dataset"]["photos"]
    assert soft["root"] == "photos" and soft["images"] is None
