"""What is wrong with a film: frames that cannot be decoded, ends that are missing, other files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from salient.films.reader import Film
from tests.fixtures.films import read_film, scene, through, write_film


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
        with pytest.raises(ValueError, match=f"{name}: not a readable video") as caught:
            Film(tmp_path / name, [])
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"tone.mp4: contains no video, only audio"):
        Film(tmp_path / "tone.mp4", [])
