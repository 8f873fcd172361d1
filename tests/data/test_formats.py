"""Which files are pictures, what of them is read, and what is said of the rest."""

from __future__ import annotations

import struct
import sys
import zlib
from io import BytesIO, StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from salient.data.formats import SUFFIXES, is_litter
from salient.data.images import read_image, read_photo, read_size
from tests.fixtures.profiles import content_of


@pytest.fixture
def values():
    areas = cv2.resize(np.random.default_rng(0).random((6, 8, 3)), (80, 60))
    return (areas * 255).astype(np.uint8)


def white_with_a_disc(side=1200):
    picture = np.full((side, side, 3), 255, np.uint8)
    cv2.circle(picture, (side // 2, side // 3), side // 6, (30, 60, 200), -1)
    return picture


def test_a_webp_on_white_that_ends_in_zeros_is_read():
    content = content_of(white_with_a_disc(), "WEBP", quality=80)
    assert not any(content[-64:]), "the encoder left no zeros, so this shows nothing"
    assert read_image(content).shape == (1200, 1200, 3)


@pytest.mark.parametrize(
    "options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}]
)
def test_a_webp_whose_end_was_never_written_is_refused(values, options):
    content = content_of(values, "WEBP", **options)
    at = len(content) // 2
    for unwritten in (at, len(content) - 64):
        with pytest.raises(ValueError, match="not a readable picture"):
            read_image(content[:unwritten] + bytes(len(content) - unwritten))


def with_bad_checksum(content, chunk):
    at = content.index(chunk)
    end = at + 4 + int.from_bytes(content[at - 4 : at])
    return content[:end] + bytes(b ^ 1 for b in content[end : end + 4]) + content[end + 4 :]


def with_chunk(content, name, data):
    """Behind the header, which has 33 bytes."""
    chunk = name + data
    whole = struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content[:33] + whole + content[33:]


def test_a_text_chunk_with_a_wrong_checksum_is_left_out_and_named(values, tmp_path):
    whole = content_of(values, "PNG")
    spoilt = with_bad_checksum(with_chunk(whole, b"tEXt", b"Title\0a disc"), b"tEXt")
    (tmp_path / "a.png").write_bytes(spoilt)
    picture = read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.rgb, values)
    assert "tEXt" in picture.remarks[0] and read_size(tmp_path / "a.png") == (60, 80)
    for chunk in (b"IDAT", b"gAMA"):
        other = with_bad_checksum(with_chunk(whole, b"gAMA", struct.pack(">I", 45455)), chunk)
        with pytest.raises(ValueError, match="a checksum is wrong"):
            read_image(other)


def animation(values, format, **options):
    content, frames = BytesIO(), [Image.fromarray(np.roll(values, k * 7, 1)) for k in range(3)]
    frames[0].save(content, format, save_all=True, append_images=frames[1:], **options)
    return content.getvalue()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_read_and_said(values, format):
    picture = read_photo(animation(values, format))
    assert picture.remarks == ("an animation of 3 frames: the first is read",)
    assert read_photo(content_of(values, format)).remarks == ()


def test_a_default_image_that_is_no_frame_is_said(values):
    remarks = read_photo(animation(values, "PNG", default_image=True)).remarks
    assert "its default image" in remarks[0]


def pages(*sides, thumbnails=()):
    """A TIFF; the pages whose numbers are given are marked as reduced (NewSubfileType)."""
    content = BytesIO()
    first, *others = (Image.new("RGB", (side, side), (side, 0, 0)) for side in sides)
    first.save(content, "TIFF", save_all=True, append_images=others, tiffinfo={254: 0})
    data, at, page = bytearray(content.getvalue()), 4, 0
    while offset := struct.unpack_from("<I", data, at)[0]:
        (count,) = struct.unpack_from("<H", data, offset)
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            if struct.unpack_from("<H", data, entry)[0] == 254 and page in thumbnails:
                data[entry + 8] = 1
        at, page = offset + 2 + 12 * count, page + 1
    assert page == len(sides)
    return bytes(data)


def test_the_largest_full_page_of_a_tiff_is_read():
    for content, side, said in [
        (pages(16, 64, thumbnails=[0]), 64, ()),
        (pages(80, 64, thumbnails=[0]), 64, ()),
        (pages(48, 64, 32), 64, ("page 2 of 3 is read",)),
        (pages(32, 32), 32, ("page 1 of 2 is read",)),
        (pages(40), 40, ()),
    ]:
        picture = read_photo(content)
        assert picture.rgb.shape == (side, side, 3) and picture.rgb[0, 0, 0] == side
        assert picture.remarks == said and read_size(BytesIO(content)) == (side, side)


def test_a_raw_photograph_is_refused_by_name(tmp_path):
    raw = tmp_path / "a.dng"
    Image.new("L", (16, 16)).save(raw, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    (tmp_path / "a.cr3").write_bytes(bytes(4) + b"ftypcrx " + bytes(64))
    for path in (raw, tmp_path / "a.cr3"):
        with pytest.raises(ValueError, match=rf"{path.name}: .*a raw photograph.*develop it"):
            read_image(path)


@pytest.mark.parametrize(("module", "ending"), [("pillow_heif", "heic"), ("pillow_jxl", "jxl")])
def test_formats_of_the_extra(values, tmp_path, module, ending, monkeypatch):
    """Read where the package is, named where it is not."""
    heads = {"heic": b"\0\0\0\x18ftypheic" + bytes(20), "jxl": b"\xff\x0a" + bytes(30)}
    path = tmp_path / f"a.{ending}"
    path.write_bytes(heads[ending])
    assert path.suffix in SUFFIXES
    with monkeypatch.context() as without:
        without.setitem(sys.modules, module, None)
        with pytest.raises(ValueError, match=rf"a\.{ending}: .*pip install '\.\[formats\]'"):
            read_image(path)
    plugin = pytest.importorskip(module)
    if ending == "heic":
        plugin.register_heif_opener()
    Image.fromarray(values).save(path, quality=95)
    assert np.abs(read_image(path).astype(int) - values).mean() < 6
    assert read_size(path) == (60, 80)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="not a readable picture"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "litter"),
    [
        *(("._photo.jpg", True), ("__MACOSX/photo.jpg", True), ("Thumbs.db", True)),
        *(("a/@eaDir/photo.jpg/SYNO.jpg", True), ("desktop.ini", True)),
        *(("photo.jpg", False), ("_photo.jpg", False), ("Thumbs.jpg", False)),
    ],
)
def test_what_systems_leave_is_known_by_its_name(name, litter):
    assert is_litter(Path(name)) == litter


def test_what_is_no_picture_is_named():
    for wrong, said in [
        (None, "got NoneType"),
        ((1, 2), "got tuple"),
        ("https://example.org/a.jpg", "download the picture first"),
        (Image.new("RGB", (0, 5)), "no pixels: 0 x 5"),
        (np.zeros((4, 4), np.uint8), r"got uint8 \(4, 4\)"),
    ]:
        with pytest.raises(ValueError, match=said):
            read_image(wrong)


def test_paths_and_bytes_and_streams(values, tmp_path):
    content = content_of(values, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with path.open("rb") as stream:
        sources = [path, str(path), content, bytearray(content), memoryview(content), stream]
        sources += [BytesIO(content), values, Image.open(path)]
        for source in sources:
            np.testing.assert_array_equal(read_image(source), values)
    with pytest.raises(ValueError, match="open it in binary"):
        read_image(StringIO("text"))
