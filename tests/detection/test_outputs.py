"""What is written: where, in which format, and what of a picture's own data goes along."""

from __future__ import annotations

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from salient import Detector
from salient.data.images import read_photo
from salient.detection.cutout import Cutout
from salient.detection.folders import detect_files
from salient.detection.listing import find_pictures
from salient.detection.modes import MODES
from salient.detection.outputs import Output, check_drawable
from salient.detection.summary import COLUMNS, read_summary, start_summary, write_summary
from tests.fixtures.engines import Counting
from tests.fixtures.profiles import ADOBE_RGB, DISPLAY_P3, content_of, matrix_profile, seen_as

RED = (220, 40, 41)
GPS, MODEL, EXIF_PART, MAKER_NOTE = 0x8825, 0x0110, 0x8769, 0x927C


class Nothing(Counting):
    """An engine that finds nothing."""

    def run(self, squares, threads=None):
        found = super().run(squares, threads)
        return found._replace(saliency=found.saliency * 0, edge=found.edge * 0)


@pytest.fixture
def detector():
    return Detector(Counting())


def photo_of(folder, name="a.jpg", **options):
    """A red photograph with a profile, EXIF data and a resolution."""
    exif = Image.Exif()
    exif[MODEL] = "Drawn"
    exif.get_ifd(EXIF_PART)[MAKER_NOTE] = b"note"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 30.0, 0.0)})
    profile = matrix_profile(*DISPLAY_P3)
    path = folder / name
    picture = Image.fromarray(np.full((80, 120, 3), RED, np.uint8))
    picture.save(
        path, **{"quality": 95, "exif": exif, "icc_profile": profile, "dpi": (300, 300)} | options
    )
    return path


def write(detector, path, output, mode="map", **cutout):
    draw = Cutout(**cutout) if mode == "cutout" else MODES[mode]
    return list(detect_files(detector, find_pictures(str(path), output).targets, draw, output))


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_a_cutout_keeps_profile_resolution_and_exif_but_for_the_place(detector, tmp_path, ending):
    path = photo_of(tmp_path)
    for place in (False, True):
        target = tmp_path / f"out{place}.{ending}"
        write(detector, path, Output(str(target), place=place), "cutout")
        with Image.open(target) as made:
            assert made.info["icc_profile"] == matrix_profile(*DISPLAY_P3)
            exif = made.getexif()
            assert exif[MODEL] == "Drawn" and bool(exif.get_ifd(GPS)) == place
            assert MAKER_NOTE not in exif.get_ifd(EXIF_PART)
            assert ending == "webp" or round(made.info["dpi"][0]) == 300
            colour = np.asarray(made)[40, 60]
            assert np.abs(colour[:3].astype(int) - RED).max() <= 4 and colour[3] == 255


def test_a_map_is_plain(detector, tmp_path):
    write(detector, photo_of(tmp_path), Output(str(tmp_path / "map.png")))
    with Image.open(tmp_path / "map.png") as made:
        assert made.mode == "L" and not made.info and not made.getexif()


@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB])
def test_the_same_colours_whatever_the_profile_and_the_background(detector, tmp_path, space):
    """As seen: transparent ones by their profile, on white in sRGB."""
    path = photo_of(tmp_path, "a.png", icc_profile=matrix_profile(*space))
    for background in (None, "blur", "white"):
        target = tmp_path / f"{background}.png"
        write(detector, path, Output(str(target)), "cutout", background=background)
        seen = read_photo(target)
        assert np.abs(seen.straight[40, 60].astype(int) - seen_as(RED, *space)).max() <= 2
        assert (seen.profile is None) == (background == "white")


def test_the_ending_or_the_key_chooses_the_format(detector, tmp_path):
    path = photo_of(tmp_path)
    for output, format, target, magic in [
        ("a.webp", None, "a.webp", b"RIFF"),
        ("b.JPG", None, "b.JPG", b"\xff\xd8"),
        ("folder", "jpg", "folder/a.jpg", b"\xff\xd8"),
        ("odd.png/", None, "odd.png/a.png", b"\x89PNG"),
        ("odd.png", "webp", "odd.png/a.webp", b"RIFF"),
    ]:
        out = Output(f"{tmp_path}/{output}", format)
        (done,) = write(detector, path, out, "overlay")
        assert done.target == tmp_path / target
        assert (tmp_path / target).read_bytes().startswith(magic)
    small, large = (len(Output("x.jpg", quality=q).encode(drawn_noise())) for q in (10, 95))
    assert small < large
    lossless = Output("x.webp", quality=100).encode(drawn_noise())
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(lossless))), drawn_noise().pixels)


def drawn_noise():
    from salient.detection.modes import Drawn

    return Drawn(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


def test_what_does_not_go_together_is_refused_before_anything_is_read(detector, tmp_path):
    path = photo_of(tmp_path)
    for options, said in [
        (("a.gif",), "name must end in .png, .webp, .jpg"),
        (("a.png", "jpg"), "its extension does not match format=jpg"),
        (("a.png", None, 80), "quality: only for WebP and JPEG"),
    ]:
        with pytest.raises(ValueError, match=said):
            Output(*options)
    with pytest.raises(ValueError, match="a JPEG cannot be transparent"):
        check_drawable(Output("a.jpg"), Cutout())
    check_drawable(Output("a.jpg"), Cutout("white"))
    photo_of(tmp_path, "b.jpg")
    with pytest.raises(ValueError, match="2 pictures cannot go into one file"):
        find_pictures(str(tmp_path / "*.jpg"), Output(str(tmp_path / "c.png")))
    with pytest.raises(ValueError, match="is the picture itself"):
        find_pictures(str(path), Output(str(path)))


@pytest.mark.parametrize("empty", ["write", "skip", "fail"])
def test_pictures_in_which_nothing_stands_out(tmp_path, empty):
    path = photo_of(tmp_path)
    (done,) = write(Detector(Nothing()), path, Output(f"{tmp_path}/out/", empty=empty))
    assert (done.target is not None) == (empty == "write") == (tmp_path / "out/a.png").exists()
    assert done.row["stands_out"] is False and done.row["left"] is None
    assert done.error == (f"{path}: nothing stands out" if empty == "fail" else None)
    (done,) = write(Detector(Counting()), path, Output(f"{tmp_path}/disc/", empty=empty))
    assert done.target and done.row["stands_out"] is True and done.error is None


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_summary_says_what_was_found(detector, tmp_path, ending):
    good, bad = photo_of(tmp_path, "a=1, \u00e9.jpg"), tmp_path / "b.jpg"
    bad.write_bytes(b"no picture")
    output = Output(f"{tmp_path}/out/")
    done = list(
        detect_files(
            detector, find_pictures([str(good), str(bad)], output).targets, MODES["map"], output
        )
    )
    summary = tmp_path / f"found.{ending}"
    write_summary(summary, [one.row for one in done])
    first, second = read_summary(summary)
    assert first["file"] == str(good) and second["file"] == str(bad)
    assert list(first) == list(COLUMNS)
    result = detector(good)
    ys, xs = np.nonzero(result >= 128)
    box = [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
    assert [int(first[k]) for k in ("left", "top", "width", "height")] == box
    assert float(first["area"]) == pytest.approx((result >= 128).mean(), abs=1e-5)
    assert float(first["confidence"]) == pytest.approx(result[result >= 128].mean() / 255, abs=1e-4)
    assert "not a readable picture" in second["error"] and not second["output"]
    with pytest.raises(ValueError, match="already exists"):
        start_summary(str(summary), False)
    assert set(start_summary(str(summary), "skip")) == {str(good), str(bad)}
    assert start_summary(str(summary), True) == {}
    with pytest.raises(ValueError, match=r"end in \.csv or \.jsonl"):
        start_summary(str(tmp_path / "a.txt"), False)


def test_a_name_that_is_not_utf8_is_in_a_summary(tmp_path):
    row = dict.fromkeys(COLUMNS) | {"file": "caf\udce9.jpg"}
    write_summary(tmp_path / "a.csv", [row])
    write_summary(tmp_path / "a.jsonl", [row])
    assert b"caf\xe9.jpg" in (tmp_path / "a.csv").read_bytes()
    assert json.loads((tmp_path / "a.jsonl").read_text())["file"] == "caf\udce9.jpg"


def test_a_hole_in_the_picture_is_one_in_the_cutout(detector, tmp_path):
    """Its alpha is at most the picture's; what the picture hides stays hidden."""
    values = np.full((80, 120, 4), (*RED, 255), np.uint8)
    values[30:50, 50:70, 3] = 0
    values[30:50, 50:70, :3] = (1, 2, 250)
    values[20:30, 50:70, 3] = 100
    path = tmp_path / "a.png"
    path.write_bytes(content_of(values, "PNG"))
    write(detector, path, Output(str(tmp_path / "out.png")), "cutout")
    made = np.asarray(Image.open(tmp_path / "out.png"))
    assert (made[..., 3] <= values[..., 3]).all() and made[40, 60].tolist() == [0, 0, 0, 0]
    assert made[25, 60].tolist() == [*RED, 100] and made[52, 60].tolist() == [*RED, 255]
    write(detector, path, Output(str(tmp_path / "green.png")), "cutout", background="0,255,0")
    assert np.asarray(Image.open(tmp_path / "green.png"))[40, 60].tolist() == [0, 255, 0]
