"""Every picture comes to the network in sRGB and 8 bits, whatever its file holds."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from salient.data.images import read_image, read_mask, read_photo
from tests.fixtures.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    content_of,
    ink_profile,
    matrix_profile,
    printed_as,
    seen_as,
)

COLOURS = [(220, 40, 41), (60, 180, 90), (30, 60, 200), (128, 128, 128), (250, 250, 250)]


def flat(colour, side=16):
    return np.full((side, side, 3), colour, np.uint8)


@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_profile_is_obeyed_and_kept(space, colour):
    """The expected colour is computed from the primaries, without LittleCMS."""
    profile = matrix_profile(*space)
    picture = read_photo(content_of(flat(colour), "PNG", icc_profile=profile))
    difference = picture.rgb[0, 0].astype(int) - seen_as(colour, *space)
    assert np.abs(difference).max() <= 2
    assert picture.profile == profile and (picture.own == colour).all()


def test_srgb_stays_as_it_is_to_the_digit():
    values = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for options in ({}, {"icc_profile": profile}):
        picture = read_photo(content_of(values, "PNG", **options))
        np.testing.assert_array_equal(picture.rgb, values)
        assert picture.profile is None and not picture.remarks


def test_a_profile_of_another_kind_of_pixels_is_left_out_and_named():
    profile = matrix_profile(*DISPLAY_P3)
    for mode, icc in (("CMYK", profile), ("RGB", profile[:200])):
        content = content_of(flat((220, 40, 41)), "TIFF", mode, icc_profile=icc)
        picture = read_photo(content)
        assert np.abs(picture.rgb[0, 0].astype(int) - (220, 40, 41)).max() <= 2
        assert "its colour profile is left out" in picture.remarks[0]


def test_grey_with_a_profile_of_colours_stays_grey():
    content = content_of(flat((90, 90, 90)), "JPEG", "L", icc_profile=matrix_profile(*ADOBE_RGB))
    rgb = read_image(content)
    assert np.ptp(rgb[0, 0].astype(int)) <= 1 and 80 < rgb[0, 0, 0] < 100


def test_a_picture_in_lab_is_read():
    lab = ImageCms.profileToProfile(
        Image.fromarray(flat((60, 180, 90))),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    content = BytesIO()
    lab.save(content, "TIFF")
    assert np.abs(read_image(content)[0, 0].astype(int) - (60, 180, 90)).max() <= 4


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_cmyk_is_brought_to_srgb_by_its_profile(form):
    """At the corners of the profile's table, whose Lab is known; Pillow's formula is far off."""
    for inks in ((0, 0, 0, 0), (0, 1, 1, 0), (1, 0, 0, 0), (0, 0, 1, 0), (1, 0, 1, 0)):
        ink = Image.new("CMYK", (16, 16), tuple(255 * one for one in inks))
        content = BytesIO()
        ink.save(content, form, icc_profile=ink_profile(), quality=100)
        photo = read_photo(content)
        assert np.abs(photo.rgb[8, 8].astype(int) - printed_as(*inks)).max() <= 3, inks
        assert photo.profile is None and not photo.remarks
        naive = ink.convert("RGB").getpixel((8, 8))
        assert not any(inks) or np.abs(photo.rgb[8, 8].astype(int) - naive).max() > 20


def test_transparency_is_kept_next_to_the_colours():
    values = np.dstack([flat((200, 30, 30)), np.full((16, 16), 255, np.uint8)])
    values[4:8, 4:8, 3] = 0
    picture = read_photo(content_of(values, "PNG"))
    np.testing.assert_array_equal(picture.alpha, values[..., 3])
    np.testing.assert_array_equal(picture.own, values[..., :3])
    assert (picture.rgb[5, 5] == 255).all() and (picture.rgb[0, 0] == (200, 30, 30)).all()


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_than_sixteen_are_named_and_can_be_told(bits):
    values = np.linspace(0, 2**bits - 1, 400).reshape(20, 20).astype(np.uint16)
    content = content_of(values, "PNG")
    dark = read_photo(content)
    assert dark.rgb.max() < 64 and f"white={2**bits - 1}" in dark.remarks[0]
    told = read_photo(content, white=2**bits - 1)
    expected = np.rint(values / (2**bits - 1) * 255)
    assert np.abs(told.rgb[..., 0] - expected).max() <= 1 and not told.remarks
    with pytest.raises(ValueError, match="outside 0..255, the range that white= sets"):
        read_photo(content, white=255)


def test_floats_a_little_outside_0_to_1_are_of_that_scale(tmp_path):
    """As bicubic filters leave them; they were taken for 0..255, so that all became 0 and 1."""
    values = np.linspace(-0.04, 1.06, 64).reshape(8, 8).astype(np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    expected = np.rint(values.clip(0, 1) * 255)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif"), expected)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif", white=1), expected)
