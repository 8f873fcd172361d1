"""`salient predict` of a film: what it writes, says and refuses."""

from __future__ import annotations

import errno
import re
import sys

import numpy as np
import pytest
from PIL import Image

from salient import Detector, save_network
from salient.files import PARTIAL, UNFINISHED
from salient.films import writer as film_writer
from tests.fixtures.films import noisy, read_film, scene, write_film


@pytest.fixture
def work(tmp_path, small_network):
    """A folder with a film of twelve frames, a network and a picture."""
    save_network(small_network(), tmp_path / "a.safetensors")
    write_film(tmp_path / "film.mp4", scene(12))
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.jpg")
    return tmp_path


NETWORK = ("checkpoint=a.safetensors", "precision=fp32", "batch_size=5")


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_film_of_a_hundred_frames(call, work):
    """The maps are the detector's, frame by frame, and so are those in a folder."""
    write_film(work / "long.MP4", scene(100))
    fast = ("checkpoint=fast", "precision=fp32")
    said = call(work, "predict", "long.MP4", "output=out.mp4", *fast).stdout
    assert "sound: aac, copied" in said and "100 frames in out.mp4" in said and "flicker: " in said
    source, film = read_film(work / "long.MP4"), read_film(work / "out.mp4")
    assert len(film.pictures) == 100 and film.pictures[0].shape == (48, 64, 3)
    assert film.sound == source.sound and film.times == pytest.approx(source.times)
    detect = Detector.load("fast", precision="fp32")
    for k in range(0, 100, 9):
        saliency = detect(source.pictures[k])
        assert saliency.std() > 20
        assert np.abs(film.pictures[k][..., 0] - saliency.astype(int)).mean() < 3


def test_a_folder_holds_the_detectors_own_maps(call, work):
    call(work, "predict", "film.mp4", "output=out", *NETWORK)
    maps = Detector.load(work / "a.safetensors", precision="fp32")(
        read_film(work / "film.mp4").pictures
    )
    assert written(work / "out") == [f"{k:06d}.png" for k in range(1, 13)]
    frames = [np.asarray(Image.open(path)) for path in sorted((work / "out").iterdir())]
    np.testing.assert_array_equal(frames, maps)


def test_smoothing_says_its_flicker_and_is_off_by_default(call, work, composed):
    assert composed("predict")["smooth"] == 0
    frames = noisy(scene(1, (240, 320)) * 8, 15)
    write_film(work / "still.mp4", frames, sounds=())
    where = ("still.mp4", "checkpoint=fast", "precision=fp32")
    said = call(work, "predict", *where, "output=smoothed", "smooth=0.9").stdout
    raw, smoothed = map(float, re.findall(r"[\d.]+(?= with)", said))
    assert smoothed < 0.7 * raw
    said = call(work, "predict", *where, "output=plain").stdout
    assert f"flicker: {raw:.2f} of 255 grey levels a frame" in said


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("film.mp4", "output=out.avi"), "output=out.avi: a video's name must end in .mp4, .mov,"),
        (("film.mp4", "output=film.mp4", "overwrite=true"), "film.mp4 is the video itself"),
        (("film.mp4", "photo.jpg"), "film.mp4 is a video; give one video and nothing else"),
        (("film.mp4", "film.mp4"), "film.mp4 is a video; give one video and nothing else"),
        (("input=nothing.mp4",), "input=nothing.mp4: no such video"),
        (("photo.jpg", "output=out.mp4"), "output=out.mp4: pictures cannot be written as a"),
        (("photo.jpg", "smooth=0.5"), "smooth: only for videos"),
        (("film.mp4", "output=b.mp4", "smooth=1"), "smooth must be below 1, got 1"),
        (("film.mp4", "output=b.mp4", "mode=cutout"), "a .mp4 cannot be transparent; use a .webm"),
        (("film.mp4", "output=b.webm", "mode=cutout", "cutout.crop=true"), "have the same size"),
        (("film.mp4", "output=old.mp4"), "old.mp4 already exists; overwrite=true replaces"),
        (("film.mp4", "output=old"), "1 frames, from old/000007.png on, already exist"),
        (("film.mp4", "output=old", "overwrite=skip", "smooth=0.5"), "smooth needs every frame"),
        (("film.mp4", "output=old.mp4/b.mp4"), "old.mp4: there is a file where a folder is needed"),
        (("bad.mov", "output=b.mp4"), "bad.mov: not a readable video ("),
    ],
)
def test_refusals_are_one_line_and_change_nothing(call, work, arguments, line):
    (work / "old").mkdir()
    for name in ("old.mp4", "old/000007.png", "bad.mov"):
        (work / name).write_text("mine")
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    said = call(work, "predict", *arguments, *NETWORK, fails=True).stderr
    (told,) = [one for one in said.splitlines() if one.startswith("error: ")]
    assert line in told and "Traceback" not in said
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == before


def test_a_background_makes_a_cutout_fit_for_any_film(call, work):
    arguments = ("film.mp4", "output=b.mp4", "mode=cutout", "cutout.background=9,200,9")
    call(work, "predict", *arguments, *NETWORK)
    assert len(read_film(work / "b.mp4").pictures) == 12


def test_without_pyav_the_extra_is_named(call, work, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for name in ("reader", "writer"):
        monkeypatch.delitem(sys.modules, f"salient.films.{name}", raising=False)
        monkeypatch.delattr(sys.modules["salient.films"], name, raising=False)
    said = call(work, "predict", "film.mp4", "output=b.mp4", fails=True).stderr
    assert "error: input=film.mp4: a video needs PyAV, which is not installed; in a" in said
    assert "pip install '.[video]'" in said and "Traceback" not in said
    call(work, "predict", "photo.jpg", *NETWORK)


STOPS = [
    (KeyboardInterrupt(), "interrupted: "),
    (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; "),
]


def stop_at(monkeypatch, writer, number, error):
    write = getattr(film_writer, writer).write

    def stop(self, drawn, frame):
        if frame.number == number:
            raise error
        return write(self, drawn, frame)

    monkeypatch.setattr(getattr(film_writer, writer), "write", stop)


@pytest.mark.parametrize(("error", "line"), STOPS)
def test_a_film_that_is_stopped_leaves_what_was_there(call, work, monkeypatch, error, line):
    stop_at(monkeypatch, "FilmWriter", 9, error)
    names = written(work)
    said = call(work, "predict", "film.mp4", "output=b.mp4", *NETWORK, fails=True).stderr
    assert f"{line}b.mp4 is not written, after 8 frames" in said and "Traceback" not in said
    assert written(work) == names
    (work / "b.mp4").write_text("mine")
    again = ("film.mp4", "output=b.mp4", "overwrite=true")
    said = call(work, "predict", *again, *NETWORK, fails=True).stderr
    assert "after 8 frames, what was there stays" in said
    assert (work / "b.mp4").read_text() == "mine" and not list(work.glob(f".*{UNFINISHED}"))


@pytest.mark.parametrize(("error", "line"), STOPS)
def test_a_folder_of_frames_goes_on(call, work, monkeypatch, error, line):
    with monkeypatch.context() as patched:
        stop_at(patched, "FrameWriter", 9, error)
        said = call(work, "predict", "film.mp4", "output=b", *NETWORK, fails=True).stderr
    assert f"{line}8 frames are written; continue with overwrite=skip" in said
    first = (work / "b/000001.png").stat().st_mtime_ns
    said = call(work, "predict", "film.mp4", "output=b", *NETWORK, "overwrite=skip").stdout
    assert "8 frames, from b/000001.png on, already exist" in said and "4 frames in b" in said
    assert written(work / "b") == [f"{k:06d}.png" for k in range(1, 13)]
    assert (work / "b/000001.png").stat().st_mtime_ns == first
    assert not list(work.rglob(f"*{PARTIAL}"))


def test_skip_and_overwrite(call, work):
    (work / "b.mp4").write_text("mine")
    said = call(work, "predict", "film.mp4", "output=b.mp4", *NETWORK, "overwrite=skip").stdout
    assert "b.mp4 already exists" in said and (work / "b.mp4").read_text() == "mine"
    call(work, "predict", "film.mp4", "output=b.mp4", *NETWORK, "overwrite=true")
    assert len(read_film(work / "b.mp4").pictures) == 12
    (work / "b").mkdir()
    for name in ("000003.png", "000044.png"):
        (work / "b" / name).write_text("mine")
    said = call(work, "predict", "film.mp4", "output=b", *NETWORK, "overwrite=true").stdout
    assert "1 frames of an older video are still there, from b/000044.png on" in said
    assert len(written(work / "b")) == 13


def test_a_damaged_film_fails_when_all_else_is_done(call, work):
    content = (work / "film.mp4").read_bytes()
    write_film(work / "film.mp4", scene(60), container={"movflags": "faststart"})
    content = (work / "film.mp4").read_bytes()
    (work / "film.mp4").write_bytes(content[: len(content) * 3 // 4])
    done = call(work, "predict", "film.mp4", "output=b.mp4", *NETWORK, fails=True)
    assert "faults of the video:" in done.stderr and "of 60 frames" in done.stderr
    assert len(read_film(work / "b.mp4").pictures) > 10 and " frames in b.mp4" in done.stdout
