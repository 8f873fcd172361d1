"""Films through and back: frames, size, times, sound, colours."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from salient.detection.modes import MODES
from salient.films.frames import detect_frames
from salient.films.reader import Film
from salient.films.smoothing import Smoother
from tests.fixtures.films import Bright, difference, read_film, same, scene, through, write_film


def test_a_hundred_frames_keep_their_number_size_times_and_sound(tmp_path):
    source = write_film(tmp_path / "a.mp4", scene(100))
    notes, problems = through(source, tmp_path / "b.mp4", MODES["map"])
    before, after = read_film(source), read_film(tmp_path / "b.mp4")
    assert not problems and notes == ["sound: aac, copied"]
    assert len(after.pictures) == 100 and after.pictures[0].shape == (48, 64, 3)
    assert after.times == pytest.approx([k / 25 for k in range(100)]) and after.last == 0.04
    assert after.sound == before.sound and after.loudness[0] > 0.15  # the same packets
    for picture, saliency in zip(before.pictures, after.pictures):
        assert difference(picture[..., :1], saliency) < 4


@pytest.mark.parametrize(
    ("ending", "codec", "sound", "copied"),
    [
        (".mkv", "libx264", "libopus", {".mp4": "opus", ".webm": "opus"}),
        (".avi", "mpeg4", "pcm_s16le", {".mov": "pcm_s16le", ".webm": None}),
        (".ts", "libx264", "aac", {".mp4": "aac", ".mkv": "aac"}),
        (".mpg", "mpeg2video", "mp2", {".mp4": "mp2"}),
        (".flv", "flv", "aac", {".webm": None}),
        (".webm", "libvpx-vp9", "libopus", {".mkv": "opus"}),
    ],
)
def test_containers(tmp_path, ending, codec, sound, copied):
    """Sound is copied, or else re-encoded, and never moves against the pictures."""
    source = write_film(tmp_path / f"a{ending}", scene(30), codec=codec, sounds=(sound,))
    before = read_film(source)
    for target, name in copied.items():
        notes, problems = through(source, tmp_path / f"b{target}")
        after = read_film(tmp_path / f"b{target}")
        assert not problems and len(after.pictures) == 30
        assert notes == [
            f"sound: {name}, copied"
            if name
            else f"sound: {before.sound[0][0]} cannot be in a webm file; re-encoded as opus"
        ]
        steps = np.subtract(after.times, before.times)
        assert np.ptp(steps) < 0.0015 and abs(after.times[0]) < 0.05  # an mkv counts milliseconds
        assert after.loudness == pytest.approx(before.loudness, rel=0.03)
        assert all(difference(*pair) < 5 for pair in zip(before.pictures, after.pictures))


def test_several_sounds_and_none(tmp_path):
    two = write_film(tmp_path / "a.mkv", scene(10), sounds=("aac", "libopus"))
    notes, _ = through(two, tmp_path / "b.webm")
    assert notes[1:] == ["sound: opus, copied"] and "aac cannot be" in notes[0]
    assert [name for name, _ in read_film(tmp_path / "b.webm").sound] == ["opus", "opus"]
    silent = write_film(tmp_path / "c.mp4", scene(10), sounds=())
    assert through(silent, tmp_path / "d.mp4") == ([], [])
    assert read_film(tmp_path / "d.mp4").sound == []


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".webm"])
def test_a_variable_frame_rate_keeps_its_times(tmp_path, ending):
    times = [0, 40, 100, 480, 500, 520, 1000, 1033, 2900, 2910]
    source = write_film(
        tmp_path / "a.mp4", scene(10), times=times, time_base=Fraction(1, 1000), sounds=()
    )
    through(source, tmp_path / f"b{ending}")
    assert read_film(tmp_path / f"b{ending}").times == pytest.approx([t / 1000 for t in times])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_frames_are_turned_upright(tmp_path, degrees, mirrored):
    """Against numpy's own turns; a film's are anticlockwise, and it is mirrored after them."""
    turn = dict(degrees=degrees, hflip=mirrored)
    source = write_film(tmp_path / "a.mp4", scene(3), turn=turn, sounds=())
    stored = read_film(source).pictures[1]
    expected = np.rot90(stored, degrees // 90)
    if mirrored:
        expected = expected[:, ::-1]
    through(source, tmp_path / "b.mp4")
    shown = read_film(tmp_path / "b.mp4").pictures[1]
    assert shown.shape == expected.shape and difference(shown, expected) < 5
    with av.open(str(tmp_path / "b.mp4")) as film:
        assert next(film.decode(video=0)).rotation == 0


def test_pixels_that_are_not_square_stay_so(tmp_path):
    for degrees, aspect in ((0, Fraction(4, 3)), (90, Fraction(3, 4))):
        source = write_film(
            tmp_path / "a.mp4",
            scene(3),
            turn=dict(degrees=degrees),
            colours=dict(sample_aspect_ratio=Fraction(4, 3)),
        )
        through(source, tmp_path / "b.mp4")
        assert read_film(tmp_path / "b.mp4").stream["aspect"] == aspect


def test_odd_sizes(tmp_path):
    frames = scene(5, (35, 51))
    source = write_film(tmp_path / "a.webm", frames, codec="libvpx-vp9", sounds=())
    notes, _ = through(source, tmp_path / "b.mp4")
    assert notes == [
        "size: 51 x 35 becomes 52 x 36, since H.264 needs even sides; "
        "the last row or column is repeated"
    ]
    assert read_film(tmp_path / "b.mp4").pictures[0].shape == (36, 52, 3)
    assert difference(read_film(tmp_path / "b.mp4").pictures[0][:35, :51], frames[0]) < 5
    assert through(source, tmp_path / "b.webm") == ([], [])
    assert read_film(tmp_path / "b.webm").pictures[0].shape == (35, 51, 3)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
@pytest.mark.parametrize(
    ("space", "span"),
    [(1, 1), (1, 2), (5, 1), (6, 1), (9, 1), (2, 0)],  # BT.709, 601, 2020, unknown; narrow, full
)
def test_colours_and_their_description_stay(tmp_path, ending, space, span):
    described = dict(colorspace=space, color_range=span, color_primaries=space, color_trc=1)
    source = write_film(tmp_path / "a.mp4", scene(5), colours=described, sounds=())
    through(source, tmp_path / f"b{ending}")
    before, after = read_film(source), read_film(tmp_path / f"b{ending}")
    assert difference(before.pictures[2], scene(5)[2]) < 4
    assert difference(before.pictures[2].mean((0, 1)), after.pictures[2].mean((0, 1))) < 1.5
    same_space = {5: (5, 6), 6: (5, 6)}.get(space, (space,))  # one matrix under two numbers
    assert after.stream["colorspace"] in same_space
    if ending == ".mp4" and span:
        assert after.stream["color_range"] == span
        assert after.stream["color_primaries"] == space and after.stream["color_trc"] == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", ["b.webm", "b"])
def test_every_mode(tmp_path, mode, target):
    source = write_film(tmp_path / "a.mp4", scene(6))
    notes, problems = through(source, tmp_path / target, MODES[mode])
    film = read_film(source).pictures
    drawn = [MODES[mode](picture, picture[..., 0], picture[..., 1]) for picture in film]
    if target == "b":
        names = [f"{k:06d}.png" for k in range(1, 7)]
        assert sorted(path.name for path in (tmp_path / "b").iterdir()) == names
        assert notes == ["sound: none in a folder of frames"] and not problems
        made = [cv2.imread(str(tmp_path / "b" / name), cv2.IMREAD_UNCHANGED) for name in names]
        made = [one if one.ndim == 2 else one[..., [2, 1, 0, 3][: one.shape[2]]] for one in made]
        np.testing.assert_array_equal(made, drawn)
        return
    made = read_film(tmp_path / "b.webm", alpha=mode == "cutout").pictures
    assert len(made) == 6
    for one, other in zip(made, drawn):
        other = other if other.ndim == 3 else other[..., None]
        assert difference(one, other) < 6
        assert mode != "cutout" or difference(one[..., 3], other[..., 3]) < 6 < one[..., 3].std()


def test_no_more_than_a_batch_is_held(tmp_path):
    source = write_film(tmp_path / "a.mp4", scene(40), sounds=())
    held, most = [0], [0]

    def counted(frames):
        for frame in frames:
            held[0] += 1
            most[0] = max(most)
            yield frame

    def write(drawn, frame):
        most.append(held[0])
        held[0] -= 1

    with Film(source, []) as film:
        made = detect_frames(Bright(), counted(film.frames(print)), same, Smoother(), write)
        assert sum(1 for _ in made) == 40
    assert max(most) == Bright.batch_size
