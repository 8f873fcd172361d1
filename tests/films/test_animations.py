"""Animated GIF, WebP and APNG as films, and raw frames through pipes."""

from __future__ import annotations

import sys
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from salient.detection.cutout import Cutout
from salient.detection.detector import Detector
from salient.detection.modes import MODES
from salient.films.animation import Animation
from salient.films.convert import Conversion
from salient.films.frames import find_film
from salient.films.raw import read_frames, writer, written_format
from tests.fixtures.engines import Counting
from tests.fixtures.photos import draw_disc

LENGTHS = [40, 120, 300]


def save(file, frames=3, **options):
    pictures = [Image.fromarray(np.roll(draw_disc(60, 80), 9 * k, 1)) for k in range(frames)]
    options = dict(save_all=True, duration=LENGTHS[:frames], loop=0) | options
    if file.suffix == ".webp":
        options |= {"lossless": True}
    pictures[0].save(file, append_images=pictures[1:], **options)
    return file


def convert(file, output, draw=MODES["map"]):
    with Conversion(file, str(output), draw, False, 0) as made:
        numbers = list(made.frames(Detector(Counting())))
    return numbers, made


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_an_animation_becomes_an_animation_of_the_same_times(tmp_path, ending):
    file = save(tmp_path / f"a{ending}")
    numbers, made = convert(
        file, tmp_path / f"out{ending}", lambda picture, saliency, edge: picture
    )
    assert numbers == [1, 2, 3] and made.expected == 3 and not made.problems
    for k, frame in enumerate(Animation(tmp_path / f"out{ending}", []).frames()):
        expected = np.roll(draw_disc(60, 80), 9 * k, 1)
        assert np.abs(frame.picture.astype(int) - expected).mean() < 3
        assert frame.duration == LENGTHS[k]
    assert k == 2
    with Image.open(tmp_path / f"out{ending}") as out:
        assert out.size == (80, 60) and out.info.get("loop") == 0


def test_frames_are_those_of_the_file(tmp_path):
    read = list(Animation(save(tmp_path / "a.webp"), []).frames())
    assert [(f.number, f.time, f.duration) for f in read] == [
        (1, 0, 40),
        (2, 40, 120),
        (3, 160, 300),
    ]
    for k, frame in enumerate(read):
        np.testing.assert_array_equal(frame.picture, np.roll(draw_disc(60, 80), 9 * k, 1))
    film = Animation(save(tmp_path / "b.png", default_image=True, duration=LENGTHS[1:]), [])
    assert film.expected == 2 and film.left_out == ["the default image, which is not a frame"]
    second = np.roll(draw_disc(60, 80), 9, 1)
    np.testing.assert_array_equal(next(film.frames()).picture, second)
    content = (tmp_path / "a.webp").read_bytes()
    (tmp_path / "cut.webp").write_bytes(content[: len(content) * 3 // 4])
    problems: list[str] = []
    try:
        frames = list(Animation(tmp_path / "cut.webp", problems).frames())
    except ValueError as error:
        assert "cut.webp: not a readable picture" in str(error)
    else:
        assert len(frames) < 3 and "cut.webp: it ends before frame" in problems[0]


def test_a_cut_out_is_transparent_and_a_film_is_a_film(tmp_path):
    pytest.importorskip("av")
    from tests.fixtures.films import read_film

    file = save(tmp_path / "a.gif")
    convert(file, tmp_path / "out.webp", Cutout())
    with Image.open(tmp_path / "out.webp") as out:
        alpha = np.asarray(out.convert("RGBA"))[..., 3]
    assert alpha[0, 0] == 0 and alpha[30, 40] == 255
    _, made = convert(file, tmp_path / "out.mkv")
    film = read_film(tmp_path / "out.mkv")
    assert len(film.pictures) == 3 and film.times == pytest.approx([0, 0.04, 0.16])
    assert made.source.first.color_trc == 13 and made.source.time_base == Fraction(1, 1000)


def test_an_animation_is_a_film_where_the_output_is_one(tmp_path):
    file = str(save(tmp_path / "a.gif"))
    still = tmp_path / "b.png"
    Image.new("RGB", (9, 9)).save(still)
    (tmp_path / "folder.gif").mkdir()
    for output in ("out.gif", "out.mp4", "out.webp"):
        assert find_film([file], output) == Path(file)
    for output in ("maps", "out.jpg", None, str(tmp_path / "folder.gif")):
        assert find_film([file], output) is None
    assert find_film([str(still)], "out.png") is None and find_film([file, file], "out.gif") is None


@pytest.mark.parametrize("pixel_format", ["rgb24", "bgr24", "rgba", "bgra", "gray"])
def test_raw_frames_are_read_in_ffmpegs_orders(pixel_format):
    rgb = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), np.uint8)
    opaque = np.full((2, 4, 6, 1), 255, np.uint8)
    given = {"rgb24": rgb, "bgr24": rgb[..., ::-1], "gray": rgb[..., :1]}
    given["rgba"] = np.concatenate([rgb, opaque], 3)
    given["bgra"] = np.concatenate([rgb[..., ::-1], opaque], 3)
    content, problems = given[pixel_format].tobytes() + b"half", list[str]()
    frames = list(read_frames(BytesIO(content), pixel_format, (6, 4), problems))
    expected = np.repeat(rgb[..., :1], 3, 3) if pixel_format == "gray" else rgb
    np.testing.assert_array_equal([frame.picture for frame in frames], expected)
    assert "before the end of frame 3; size=6x4" in problems[0]


def test_raw_frames_go_through_predict(call, tmp_path, monkeypatch):
    picture, out = draw_disc(48, 64), BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(picture.tobytes() * 3)))
    monkeypatch.setattr(sys, "__stdout__", SimpleNamespace(buffer=out))
    raw = ("input=-", "output=-", "pixel_format=rgb24", "size=64x48", "checkpoint=fast")
    said = call(tmp_path, "predict", *raw)
    assert not said.stdout and "rgb24 64x48 in, gray 64x48 out" in said.stderr
    maps = np.frombuffer(out.getvalue(), np.uint8).reshape(3, 48, 64)
    np.testing.assert_array_equal(maps[2], Detector.load("fast")(picture))
    for wrong in (raw[:3], ("input=a", *raw[1:]), (*raw[:1], "output=a.mp4", *raw[2:])):
        assert (
            "raw frames: input=- output=-" in call(tmp_path, "predict", *wrong, fails=True).stderr
        )
    assert written_format(Cutout()) == "rgba" and written_format(MODES["overlay"]) == "rgb24"
    with pytest.raises(
        ValueError, match="all raw frames have the same size; use cutout.crop=false"
    ):
        written_format(Cutout(crop=True))


def test_a_closed_pipe_is_named():
    class Closed(BytesIO):
        def write(self, content):
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(OSError, match="the standard output"):
        writer(Closed())(draw_disc(), None)
