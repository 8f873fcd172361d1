"""One reader with one rule: formats, orientation, depth, and damage that is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from salient.data.formats import FORMATS, SUFFIXES
from salient.data.images import read_image, read_layers, read_mask, read_size
from tests.soak.pictures import tally, whole_pictures


@pytest.fixture
def values():
    return np.random.default_rng(0).integers(0, 256, (30, 40), np.uint8)


def test_every_format_is_read_and_no_program_is_started(values, tmp_path):
    files = whole_pictures(np.random.default_rng(0))
    assert len(files) >= 11 and not FORMATS.keys() & {"EPS", "WMF", "TGA"}
    for name, content in files.items():
        assert read_image(content).shape[2] == 3, name
    assert {".tif", ".gif", ".jfif", ".avif"} < set(SUFFIXES) and ".eps" not in SUFFIXES
    for ending in ("eps", "png"):  # a PostScript file, whatever its name says
        path = tmp_path / f"a.{ending}"
        Image.fromarray(values).save(path, "EPS")
        with pytest.raises(ValueError, match=rf"a\.{ending}: not a readable picture \(in none of"):
            read_image(path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_obeyed_in_every_mode(tmp_path, mode, orientation):
    """As Pillow's own transposition, for pictures, masks and sizes alike."""
    upright = np.zeros((4, 6), np.uint8)
    upright[0, :4], upright[1:3, 0] = 255, 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    deep = Image.fromarray(upright.astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else Image.fromarray(upright).convert(mode)
    path = tmp_path / "mask.png"
    picture.save(path, exif=exif)
    turned = {
        **{1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1]},
        **{5: upright.T, 6: np.rot90(upright, -1), 7: np.rot90(upright, 2).T},
        8: np.rot90(upright),
    }[orientation]
    np.testing.assert_array_equal(read_mask(path), turned)
    assert read_image(path).shape[:2] == read_size(path) == turned.shape


def test_a_broken_exif_tag_ends_nothing(values, tmp_path):
    """A tag that Pillow cannot write again leaves the orientation readable; no TIFF head, not."""
    tags = [(0x0103, 4, 1, 100_000), (0x0112, 3, 1, 6 << 16)]  # a SHORT's tag with a large LONG
    entries = b"".join(struct.pack(">HHLL", *tag) for tag in tags)
    exif = b"Exif\0\0MM\0*" + struct.pack(">LH", 8, len(tags)) + entries + bytes(4)
    path = tmp_path / "a.png"
    Image.fromarray(values).save(path, exif=exif)
    with Image.open(path) as picture, pytest.raises(struct.error):
        ImageOps.exif_transpose(picture)
    np.testing.assert_array_equal(read_mask(path), np.rot90(values, -1))
    Image.fromarray(values).save(path, exif=b"Exif\0\0neither MM nor II")
    with pytest.raises(ValueError, match=r"a\.png: not a readable picture \(its EXIF data"):
        read_image(path)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_that_hold_bytes_stay_as_they_are(values, tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    for deep in (values.astype(np.uint16), values.astype(np.uint16) * 256 + 77):
        Image.fromarray(deep).save(path)
        np.testing.assert_array_equal(read_mask(path), values)
        np.testing.assert_array_equal(read_image(path)[..., 1], values)


def test_floats_are_stretched_or_refused(values, tmp_path):
    path = tmp_path / "a.tif"
    for scale in (1, 255):
        Image.fromarray(values.astype(np.float32) / scale).save(path)
        np.testing.assert_array_equal(read_mask(path), values)
    for unknown in (np.nan, -1, 1e6):
        Image.fromarray(np.full((4, 4), unknown, np.float32)).save(path)
        with pytest.raises(ValueError, match=r"a\.tif.*an unknown scale"):
            read_mask(path)


def test_layers_tell_transparency(values, tmp_path):
    path = tmp_path / "a.png"
    for transparent in (Image.fromarray(np.dstack([values] * 4)), None):
        (transparent or Image.fromarray(values)).save(path)
        grey, alpha = read_layers(path)
        np.testing.assert_array_equal(grey, values)
        assert (alpha is None) == (transparent is None)
    np.testing.assert_array_equal(read_mask(path), values)


@pytest.mark.parametrize("where", [0.4, 0.7, 0.95])
def test_a_png_of_which_one_bit_changed_is_refused(values, tmp_path, where):
    """OpenCV and Pillow both decode it without a word."""
    path = tmp_path / "mask.png"
    Image.fromarray(values).save(path, compress_level=0)
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"mask\.png: not a readable picture \(a checksum is wrong"
    ):
        read_mask(path)


def test_a_jpeg_whose_end_was_never_written_is_refused():
    content = whole_pictures(np.random.default_rng(0))["JPEG"]
    half = len(content) // 2
    for tail in (b"", bytes(len(content) - half)):
        with pytest.raises(ValueError, match="not a readable picture"):
            read_image(content[:half] + tail)
    assert read_image(content + b"what some cameras append").shape == (120, 160, 3)


def test_too_large_for_the_memory_is_one_line(values, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(values).save(path)

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", fail)
    with pytest.raises(ValueError, match=r"a\.png: not enough memory to read it"):
        read_image(path)


def test_three_hundred_damaged_pictures(tmp_path):
    """Each is refused in a line that names it, or read as it was; `make soak` tries thousands."""
    counts, faults = tally(300, seed=1, folder=tmp_path)
    assert not faults, [(fault.format, fault.damage) for fault in faults]
    clear = sum(count for (_, outcome), count in counts.items() if outcome == "clear")
    assert clear > 150 and counts.total() == 306


def test_the_fuzz_itself_can_find_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr("salient.data.decoding.CHECKS", {})
    monkeypatch.setattr("salient.data.decoding.check_webp", lambda *_: None)
    monkeypatch.setattr("salient.data.decoding.without_bad_text", lambda content: (content, []))
    _, faults = tally(300, seed=1, folder=tmp_path)
    assert {fault.format for fault in faults} >= {"PNG", "JPEG", "WEBP"}
