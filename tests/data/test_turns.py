"""Masks that lie over pictures as stored, while an EXIF tag turns the pictures."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

from salient.data.examine import examine, report
from salient.data.masks import read_truth
from salient.data.pairs import read_picture
from salient.data.sets import PairSet

SIDE = (60, 80)


def scene(seed):
    """A disc on a rough ground, away from the middle, and its mask; as they are stored."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(90, 130, (*SIDE, 3), np.uint8)
    centre = (int(rng.integers(15, 30)), int(rng.integers(12, 20)))
    mask = np.zeros(SIDE, np.uint8)
    cv2.circle(mask, centre, 9, 255, -1)
    picture[mask > 0] = (220, 40, 40)
    return picture, mask


@pytest.fixture
def make_set(tmp_path):
    def make(orientation, masks_turned, count=5, **options):
        for seed in range(count):
            picture, mask = scene(seed)
            exif = Image.Exif()
            exif[0x0112] = orientation
            for folder in ("images", "masks"):
                (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(picture).save(tmp_path / f"images/{seed}.jpg", exif=exif, quality=95)
            if masks_turned:
                with Image.open(tmp_path / f"images/{seed}.jpg") as stored:
                    assert stored.size == SIDE[::-1]
                turn = {3: (2, None), 6: (-1, None), 8: (1, None)}[orientation][0]
                mask = np.rot90(mask, turn)
            Image.fromarray(mask).save(tmp_path / f"masks/{seed}.png")
        folders = dict(images=str(tmp_path / "images"), masks=str(tmp_path / "masks"))
        return PairSet("Turned", **folders, **options)

    return make


def warnings_of(pair_set):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pairs = pair_set.pairs("")
    return pairs, [str(warning.message) for warning in caught]


def faults_of(pair_set):
    listing = pair_set.listing("")
    return report("Turned", listing, [examine(pair) for pair in listing.pairs]).faults


def test_unturned_masks_of_turned_pictures_are_found(make_set):
    """They have one size, so that nothing else would tell."""
    pair_set = make_set(3, masks_turned=False)
    _, said = warnings_of(pair_set)
    assert "5 fit their masks better as stored: exif: ignore" in said[0]
    assert any("exif: ignore" in fault for fault in faults_of(pair_set))


def test_with_ignore_pictures_and_masks_are_read_as_stored(make_set):
    pair_set = make_set(3, masks_turned=False, exif="ignore")
    pairs, said = warnings_of(pair_set)
    assert not said and not faults_of(pair_set)
    picture, mask = scene(0)
    assert np.abs(read_picture(pairs[0]).astype(int) - picture).mean() < 8
    np.testing.assert_array_equal(read_truth(pairs[0]), mask)


def test_turned_masks_are_as_they_should_be_and_ignore_is_then_wrong(make_set):
    pair_set = make_set(3, masks_turned=True)
    assert warnings_of(pair_set)[1] == [] and faults_of(pair_set) == []
    _, said = warnings_of(make_set(3, masks_turned=True, exif="ignore"))
    assert "better as displayed: exif: apply" in said[0]


def test_other_sizes_by_a_turn_alone_are_told_with_the_remedy(make_set):
    with pytest.raises(ValueError, match=r"differ in size \(5 would not.*exif: ignore"):
        make_set(6, masks_turned=False).pairs("")
    assert len(make_set(6, masks_turned=False, exif="ignore").pairs("")) == 5
    assert len(make_set(6, masks_turned=True).pairs("")) == 5
