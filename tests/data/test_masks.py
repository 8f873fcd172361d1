"""Masks that are none: refused where all are empty, named where they look like something else."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from salient.data.cache import cached_pairs
from salient.data.images import read_mask
from salient.data.masks import check_maps, read_truth
from salient.data.pairs import find_maps
from salient.data.sets import PairSet


@pytest.fixture
def disc():
    y, x = np.mgrid[:40, :50]
    return (y - 20) ** 2 + (x - 25) ** 2 < 150


@pytest.fixture
def make(tmp_path, disc):
    """A set of four pictures whose masks are these pictures of Pillow."""

    def build(*masks, **settings):
        for index in range(4):
            for folder, picture in (("images", noise(index)), ("masks", masks[index % len(masks)])):
                (tmp_path / folder).mkdir(exist_ok=True)
                picture.save(tmp_path / folder / f"{index}.png")
        return PairSet("T", images=f"{tmp_path}/images", masks=f"{tmp_path}/masks", **settings)

    return build


def noise(seed, mode="RGB"):
    grey = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8)
    return Image.fromarray(grey).convert(mode)


def palette(disc):
    picture = Image.fromarray(disc.astype(np.uint8), "P")
    picture.putpalette([0, 0, 0, 128, 0, 0])  # as PASCAL VOC's
    return picture


KINDS = {
    "0 and 1": (lambda disc: Image.fromarray(disc.astype(np.uint8)), "0, 1", 0),
    "palette": (palette, "0, 38", 0),
    "red": (lambda disc: Image.fromarray(np.dstack([disc * 255] + [disc * 0] * 2).astype(np.uint8)),
            "0, 76", 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_masks_all_empty_are_refused_with_values_and_remedy(make, tmp_path, disc, kind):
    draw, values, remedy = KINDS[kind]
    said = f"T: all 4 masks are empty above 128: they hold {values}; .*mask_threshold={remedy}$"
    with pytest.raises(ValueError, match=said):
        make(draw(disc)).pairs(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairs = make(draw(disc), mask_threshold=remedy).pairs(tmp_path)  # the remedy is one
    for pair in (*pairs, *cached_pairs(pairs, tmp_path / "cache", 1000)):
        np.testing.assert_array_equal(read_truth(pair), disc * 255)


def test_black_masks_have_no_remedy_in_a_threshold(make, tmp_path, disc):
    with pytest.raises(ValueError, match="they hold 0 and nothing else; are these the masks"):
        make(Image.new("L", (50, 40))).pairs(tmp_path)
    hidden = Image.fromarray(np.dstack([disc * 0] * 3 + [disc * 255]).astype(np.uint8))
    with pytest.raises(ValueError, match="all 4 masks are empty.*alpha channel"):
        make(hidden).pairs(tmp_path)
    with pytest.raises(ValueError, match=r"T: mask_threshold must be in 0..254, got 255"):
        make(hidden, mask_threshold=255)


def test_sixteen_bit_masks_of_bytes_are_masks(make, tmp_path, disc):
    with pytest.warns(UserWarning, match="their largest value is 255, so 255 counts as white"):
        pairs = make(Image.fromarray(disc.astype(np.uint16) * 255)).pairs(tmp_path)
    np.testing.assert_array_equal(read_truth(pairs[0]), disc * 255)


def test_some_empty_masks_are_counted_and_named(make, tmp_path, disc):
    good = Image.fromarray((disc * 255).astype(np.uint8))
    with pytest.warns(UserWarning, match="T: of 4 masks looked at, 1 are empty above 128: 3;"):
        make(good, good, good, Image.new("L", (50, 40))).pairs(tmp_path)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("inverted", "inverted?"), ("photo", "swapped?"), ("cut-out", "alpha channel")],
)
def test_what_looks_like_no_mask_is_one_warning(make, tmp_path, disc, kind, said):
    colours = np.where(disc[..., None], np.asarray(noise(9)), 0)
    picture = {
        "inverted": (~disc * 255).astype(np.uint8),
        "photo": np.asarray(noise(9, "L")),
        "cut-out": np.dstack([colours, disc * 255]).astype(np.uint8),
    }[kind]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make(Image.fromarray(picture)).pairs(tmp_path)
    (line,) = [str(warning.message) for warning in caught]
    assert said in line and "\n" not in line and line.startswith("T: of 4 masks")


def test_real_masks_arouse_no_suspicion(sample_root):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert PairSet("sample", root="sample/train").pairs(sample_root)


def test_cutouts_given_as_maps_are_named(make, tmp_path, disc):
    pairs = make(Image.fromarray((disc * 255).astype(np.uint8))).pairs(tmp_path)
    for folder, picture in (
        ("maps", noise(0, "L")),
        ("cutouts", Image.fromarray(np.dstack([np.asarray(noise(0)), disc * np.uint8(255)]))),
    ):
        (tmp_path / folder).mkdir()
        for pair in pairs:
            picture.save(tmp_path / folder / f"{pair.name}.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_maps(find_maps(tmp_path / "maps", pairs, "T"), "T")
    with pytest.warns(UserWarning, match="T: 4 of 4 maps checked in .*cutouts are transparent"):
        check_maps(find_maps(tmp_path / "cutouts", pairs, "T"), "T")
    assert read_mask(tmp_path / "cutouts/0.png").shape == (40, 50)
