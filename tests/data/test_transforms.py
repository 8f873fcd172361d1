"""Resizing and rounding, against PyTorch and Albumentations; the cache of shrunk copies."""

from __future__ import annotations

import albumentations as A
import cv2
import numpy as np
import pytest
import torch

from salient.data.cache import cached_pairs
from salient.data.images import read_image, read_mask
from salient.data.pairs import find_pairs
from salient.data.transforms import squash, to_map


@pytest.mark.parametrize("shape", [(90, 130), (40, 200), (200, 40), (20, 30), (64, 64), (64, 80)])
def test_squash_is_what_training_does(shape):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    resize = A.Resize(64, 64, interpolation=cv2.INTER_LINEAR, area_for_downscale="image_mask")
    np.testing.assert_array_equal(squash(picture, 64), resize(image=picture)["image"])


def test_to_map_rounds_and_resizes_like_pytorch():
    probability = np.random.default_rng(0).random((48, 48), np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(probability)[None, None], (90, 70), mode="bilinear"
    )[0, 0].numpy()
    result = to_map(probability, (90, 70))
    assert result.dtype == np.uint8 and np.abs(result - expected * 255).max() <= 0.51
    assert to_map(np.full((8, 8), 0.999, np.float32), (8, 8)).min() == 255  # not truncated


def test_small_pictures_are_cached_as_they_are(sample_root, tmp_path):
    folder = sample_root / "sample/train"
    pairs = find_pairs(folder / "images", folder / "masks")[:2]
    for pair, copy in zip(pairs, cached_pairs(pairs, tmp_path, 1000)):
        assert np.array_equal(read_image(pair.image), read_image(copy.image))
        assert np.array_equal(read_mask(pair.mask), read_mask(copy.mask))
