"""Blur, noise and their like: off by default, within their range, the same for one seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.fixtures.runs import augmentation

STILL = dict(crop=0, rotate=0, brightness=0, contrast=0, saturation=0, hue=0)
DAMAGES = ("gamma", "blur", "sharpness", "noise", "jpeg")
SIZE = 96


@pytest.fixture(scope="module")
def picture():
    """Half of it a fine pattern, half grey, symmetric under the flip."""
    rows = np.arange(SIZE)[:, None, None]
    pattern = np.where(rows % 8 < 4, 90, 170) * np.ones((1, SIZE, 3))
    return np.where(rows < SIZE // 2, pattern, 120).astype(np.uint8)


def augmented(picture, seed, **damages):
    transform = augmentation(**STILL, **damages)(SIZE)
    transform.set_random_seed(seed)
    mask = (picture[..., 0] > 100).astype(np.uint8) * 255
    result = transform(image=picture, mask=mask)
    assert np.array_equal(result["mask"], mask)
    assert result["image"].dtype == np.uint8 and result["image"].shape == picture.shape
    return result["image"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_same_seed_gives_the_same_picture_and_another_one_another(picture, damage):
    pictures = [augmented(picture, seed, **{damage: 1}) for seed in (0, 0, 1, 2)]
    assert np.array_equal(*pictures[:2])
    assert not np.array_equal(pictures[0], picture)
    assert len({p.tobytes() for p in pictures}) >= 2
    changed = [not np.array_equal(augmented(picture, seed, **{damage: 0.5}), picture)
               for seed in range(24)]  # fmt: skip
    assert 4 < sum(changed) < 20


def test_what_is_off_draws_no_number(picture):
    """The same transforms, so that what was trained before is trained again to the digit."""
    off = augmentation(**dict.fromkeys(DAMAGES, 0))(SIZE)
    plain = augmentation()(SIZE)
    assert [type(t) for t in off.transforms] == [type(t) for t in plain.transforms]
    assert len(plain.transforms) == 5


def test_each_stays_within_its_range(picture):
    for seed in range(12):
        grey = augmented(picture, seed, gamma=1)[SIZE * 3 // 4, 0, 0] / 255
        power = np.log(grey) / np.log(120 / 255)
        assert 0.69 < power < 1.41
        contrast = augmented(picture, seed, blur=1)[: SIZE // 2 - 8].std(axis=0).mean()
        still, least = picture[: SIZE // 2 - 8], cv2.GaussianBlur(picture, (0, 0), 2.05)
        assert least[: SIZE // 2 - 8].std(axis=0).mean() < contrast <= still.std(axis=0).mean()
        sharp = augmented(picture, seed, sharpness=1)
        assert still.std() < sharp[: SIZE // 2 - 8].std() < 2 * still.std()
        assert (sharp[SIZE // 2 + 8 :] == 120).all()
        noise = augmented(picture, seed, noise=1)[SIZE // 2 + 8 :].astype(float) - 120
        assert 0.008 < noise.std() / 255 < 0.065 and abs(noise.mean()) < 2
        jpeg = augmented(picture, seed, jpeg=1).astype(int)
        assert 0 < np.abs(jpeg - picture).max() < 90


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_share_above_one_is_refused(damage):
    with pytest.raises(ValueError, match=f"^{damage} must be at most 1"):
        augmentation(**{damage: 1.5})(SIZE)
