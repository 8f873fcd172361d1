"""Films that are transparent, and what is written of films with more than stereo or HDR."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
import pytest

from salient.detection.cutout import Cutout
from salient.films.reader import Film
from tests.fixtures.films import read_film, scene, through, write_film

HIDDEN = (255, 0, 0)  # bright in the channel that the detector takes for its map


def transparent_film(path, codec, pixels, count=4):
    """A disc at its left and bright red that is transparent at its right."""
    with av.open(str(path), "w") as film:
        video: Any = film.add_stream(codec, rate=25, options={"auto-alt-ref": "0", "crf": "4"})
        video.width, video.height, video.pix_fmt = 64, 48, pixels
        for time, picture in enumerate(scene(count, step=0)):
            layers = np.dstack([picture, np.full((48, 64), 255, np.uint8)])
            layers[:, 40:] = (*HIDDEN, 0)
            frame: Any = av.VideoFrame.from_ndarray(layers, "rgba").reformat(format=pixels)
            frame.pts = time
            film.mux(video.encode(frame))
        film.mux(video.encode())
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("a.mov", "qtrle", "argb"), ("a.webm", "libvpx-vp9", "yuva420p")],
)
def test_what_is_transparent_is_white_for_the_network_and_stays_so(tmp_path, name, codec, pixels):
    """Alpha was left out, so that hidden colours appeared."""
    source = transparent_film(tmp_path / name, codec, pixels)
    with Film(source, []) as film:
        frames = list(film.frames(lambda _: None))
    assert len(frames) == 4 and frames[0].picture[:, 44:].min() > 250
    assert frames[0].alpha[:, 44:].max() < 5 < 250 < frames[0].alpha[:, :36].min()
    through(source, tmp_path / "frames", Cutout())
    made = cv2.imread(str(tmp_path / "frames/000001.png"), cv2.IMREAD_UNCHANGED)
    assert made[:, 46:, 3].max() < 5 and made[24, 12].tolist() == pytest.approx(
        [40, 180, 220, 245], abs=14
    )


def test_a_transparent_mov_is_prores(tmp_path):
    source = write_film(tmp_path / "a.mp4", scene(4))
    through(source, tmp_path / "b.mov", Cutout())
    with av.open(str(tmp_path / "b.mov")) as film:
        video: Any = film.streams.video[0]
        assert video.codec_context.name == "prores" and "yuva444p" in video.codec_context.pix_fmt
        made = [frame.to_ndarray(format="rgba") for frame in film.decode(video)]
    assert len(made) == 4
    assert made[0][24, 12, 3] > 230 and 70 < made[0][2, 60, 3] < 105
    through(source, tmp_path / "c.mov")
    assert read_film(tmp_path / "c.mov").stream["name"] == "h264"


def test_surround_sound_stays_surround(tmp_path):
    source = write_film(tmp_path / "a.mp4", scene(10), sounds=())
    with_sound = tmp_path / "b.mp4"
    with av.open(str(source)) as film, av.open(str(with_sound), "w") as made:
        video = made.add_stream_from_template(film.streams.video[0])
        sound: Any = made.add_stream("aac", rate=48000)
        sound.layout = "5.1"
        for packet in film.demux(film.streams.video[0]):
            if packet.dts is not None:
                packet.stream = video
                made.mux(packet)
        frame: Any = av.AudioFrame.from_ndarray(np.zeros((6, 19200), np.float32), "fltp", "5.1")
        frame.sample_rate, frame.pts = 48000, 0
        made.mux(sound.encode(frame))
        made.mux(sound.encode())
    notes, problems = through(with_sound, tmp_path / "c.webm")
    with av.open(str(tmp_path / "c.webm")) as film:
        assert film.streams.audio[0].codec_context.channels == 6
    assert not problems and not any("stereo" in note for note in notes)


def test_hdr_in_a_folder_of_frames_is_said(tmp_path):
    source = write_film(tmp_path / "a.mp4", scene(3), sounds=(), colours={"color_trc": 18})
    notes, _ = through(source, tmp_path / "frames")
    assert notes == ["colours: HDR (HLG), which a PNG does not say: frames look pale"]
    assert not any("HDR" in note for note in through(source, tmp_path / "b.mp4")[0])
