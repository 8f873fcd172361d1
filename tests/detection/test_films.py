"""Films through and back: frames, size, times, sound, colours; and what is wrong with a film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from salient.detection.film_reader import Film
from salient.detection.film_writer import open_writer
from salient.detection.films import container_for, detect_frames
from salient.detection.modes import MODES
from salient.detection.smoothing import Smoother
from tests.fixtures.films import read_film, scene, write_film


class Bright:
    """A detector of what is bright: its map is the red channel."""

    batch_size = 4

    def detect(self, pictures):
        return ((picture[..., 0], picture[..., 1]) for picture in pictures)


def same(picture, saliency, edge):
    """A mode that gives back the picture."""
    return picture


def through(source: Path, target: Path, draw=same, smooth=0.0):
    """Send a film through the detector `Bright`; returns the notes and the problems."""
    problems: list[str] = []
    container = container_for(str(target), source, draw)
    with Film(source, problems) as film, open_writer(target, container, film) as writer:
        frames = film.frames(writer.hear)
        list(detect_frames(Bright(), frames, draw, Smoother(smooth), writer.write))
    return writer.notes, problems


def difference(one, other) -> float:
    return float(np.abs(one.astype(int) - other).mean())


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
    """Sound is copied, or else encoded anew, and never moves against the pictures."""
    source = write_film(tmp_path / f"a{ending}", scene(30), codec=codec, sounds=(sound,))
    before = read_film(source)
    for target, name in copied.items():
        notes, problems = through(source, tmp_path / f"b{target}")
        after = read_film(tmp_path / f"b{target}")
        assert not problems and len(after.pictures) == 30
        assert notes == [
            f"sound: {name}, copied"
            if name
            else f"sound: {before.sound[0][0]} cannot be in a webm file; encoded anew as opus"
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
        "the last row or column is there twice"
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


def spoil(source: Path, index: int, first: int) -> tuple[Path, float]:
    """Overwrite a packet of the pictures from a byte on; the file, and the packet's time."""
    with av.open(str(source)) as film:
        packets = [packet for packet in film.demux(video=0) if packet.size]
        packet = packets[index]
        place, size, time = packet.pos, packet.size, float(packet.pts * packet.time_base)
    content = bytearray(source.read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, size - first, np.uint8).tobytes()
    content[place + first : place + size] = noise
    spoilt = source.with_name(f"spoilt{source.suffix}")
    spoilt.write_bytes(content)
    return spoilt, time


def test_frames_that_cannot_be_decoded_are_named_and_all_others_are_there(tmp_path):
    source = write_film(tmp_path / "a.mp4", scene(60))
    spoilt, time = spoil(source, 37, 0)
    _, problems = through(spoilt, tmp_path / "b.mp4")
    assert problems == [
        f"{spoilt}: the frame at {time:.3f} s cannot be decoded (Invalid data found when "
        "processing input); left out"
    ]
    before, after = read_film(source), read_film(tmp_path / "b.mp4")
    assert after.times == pytest.approx([t for t in before.times if abs(t - time) > 0.01])
    assert after.sound == before.sound


def test_a_frame_that_is_half_decoded_is_named_and_shown(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (30, 48, 64, 3), np.uint8)
    source = write_film(tmp_path / "a.mp4", list(noise), options={"bf": "0"})
    spoilt, time = spoil(source, 13, 200)
    _, problems = through(spoilt, tmp_path / "b.mp4")
    damaged = f"{spoilt}: the frame at {time:.3f} s is damaged; shown as far as it can be decoded"
    assert problems[0] == damaged and len(read_film(tmp_path / "b.mp4").pictures) == 30


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_film_that_is_cut_off_is_told(tmp_path, ending):
    container = {"movflags": "faststart"} if ending == ".mp4" else {}
    source = write_film(tmp_path / f"a{ending}", scene(60), container=container)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) * 2 // 3])
    _, problems = through(source, tmp_path / "b.mkv")
    assert 10 < len(read_film(tmp_path / "b.mkv").pictures) < 60
    told = {".mp4": "it ends after", ".mkv": "damaged, so frames may be missing (File ended"}
    assert any(f"{source}: {told[ending]}" in line for line in problems)


def test_files_that_are_no_films(tmp_path):
    write_film(tmp_path / "real.ts", scene(3))
    with av.open(str(tmp_path / "tone.mp4"), "w") as film:
        ear = film.add_stream("aac", rate=48000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 96000), np.int16), "s16", "stereo")
        sound.sample_rate = 48000
        film.mux([*ear.encode(sound), *ear.encode()])
    files = {
        "list.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nreal.ts\n#EXT-X-ENDLIST\n",
        "concat.mp4": b"ffconcat version 1.0\nfile real.ts\n",
        "text.mp4": b"no film\n" * 100,
        "empty.mp4": b"",
        "cut.mp4": write_film(tmp_path / "a.mp4", scene(9)).read_bytes()[:2000],
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: not a readable film") as caught:
            Film(tmp_path / name, [])
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"tone.mp4: a film without pictures; it holds audio"):
        Film(tmp_path / "tone.mp4", [])


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
