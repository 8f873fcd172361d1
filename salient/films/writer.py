"""Write videos with PyAV, keeping times, colours and sound; or write a folder of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from salient.arrays import Drawing
from salient.data.encoding import encode_png
from salient.files import UNFINISHED, open_whole, write_whole
from salient.films.frames import Container, Frame
from salient.films.reader import Film

LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "7.1")  # that can be re-encoded
HDR = {16: "PQ", 18: "HLG"}  # FFmpeg's numbers of transfer curves
# FFmpeg's options, by the encoder and whether it is transparent.
PIXELS = {
    ("libx264", False): "yuv420p",
    ("libvpx-vp9", False): "yuv420p",
    ("libvpx-vp9", True): "yuva420p",
    ("prores_ks", True): "yuva444p10le",
}
RGB = 0  # FFmpeg's number for frames in RGB; written frames are YUV


class FrameWriter:
    """Writes frames as numbered PNGs in a folder."""

    def __init__(self, folder: Path, film: Film) -> None:
        self.folder = folder
        self.notes = ["sound: none in a folder of frames"] if film.sounds else []
        if curve := HDR.get(int(film.first.color_trc or 0)):
            self.notes.append(f"colours: HDR ({curve}), which a PNG does not say: frames look pale")

    def target(self, frame: Frame) -> Path:
        """The file of a frame."""
        return self.folder / f"{frame.number:06d}.png"

    def write(self, drawn: Drawing, frame: Frame) -> None:
        """Write a PNG completely or not at all. Raises OSError."""
        write_whole(self.target(frame), encode_png(drawn), durable=False)

    def write_sound(self, packet: Any) -> None:
        """Do nothing: a PNG has no sound."""


@contextmanager
def open_writer(
    output: Path, container: Container | None, film: Film
) -> Iterator[FilmWriter | FrameWriter]:
    """The writer of a video, or of its frames if there is no container, for a `with` block.

    A video file appears, complete, if the block ends without an error; otherwise an existing file
    stays. Both writers have `notes` for the user, `write(drawn, frame)` for the output of a frame,
    uint8 H,W, RGB H,W,3 or RGBA H,W,4, and `write_sound(packet)`.

    Raises:
        OSError: it cannot be written.
    """
    if container is None:
        yield FrameWriter(output, film)
        return
    with open_whole(output, ending=UNFINISHED) as file:
        writer = FilmWriter(file, container, film)
        try:
            yield writer
            writer.finish()
        finally:
            with suppress(FFmpegError, OSError):  # the first error is already reported
                writer.output.close()


class FilmWriter:
    """Writes a video with the colours, times and sound of the one that is read.

    Raises:
        FFmpegError: the container cannot hold these streams.
    """

    def __init__(self, file: BinaryIO, container: Container, film: Film) -> None:
        self.film, self.notes = film, [f"left out: {what}" for what in film.left_out]
        self.output: Any = av.open(file, "w", format=container.format)
        self.video = self._add_video(container)
        self.sounds = {sound.index: self._add_sound(container, sound) for sound in film.sounds}
        self.output.start_encoding()

    def write(self, drawn: Drawing, frame: Frame) -> None:
        """Encode the output of a frame, at the frame's time."""
        if drawn.ndim == 2:
            drawn = cv2.cvtColor(drawn, cv2.COLOR_GRAY2RGB)
        below, right = self.video.height - drawn.shape[0], self.video.width - drawn.shape[1]
        if below or right:
            drawn = np.pad(drawn, ((0, below), (0, right), (0, 0)), "edge")
        made: Any = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(drawn), "rgba" if drawn.shape[2] == 4 else "rgb24"
        )
        made.colorspace, made.color_range = self.video.colorspace, ColorRange.JPEG
        made = made.reformat(format=self.video.pix_fmt, dst_color_range=self.video.color_range)
        made.pts, made.time_base, made.duration = frame.time, self.film.time_base, frame.duration
        self.output.mux(self.video.encode(made))

    def write_sound(self, packet: Any) -> None:
        """Write a packet of sound."""
        self.sounds[packet.stream_index](packet)

    def finish(self) -> None:
        """Write the remaining packets."""
        for send in self.sounds.values():
            send(None)
        self.output.mux(self.video.encode())
        self.output.close()

    def _add_video(self, container: Container) -> Any:
        """The video stream, with the description of the original."""
        film, even = self.film, container.video == "libx264"
        height, width = (side + side % 2 if even else side for side in film.size)
        if (height, width) != film.size:
            self.notes.append(
                f"size: {film.size[1]} x {film.size[0]} becomes {width} x {height}, since H.264 "
                "needs even sides; the last row or column is repeated"
            )
        stream = self.output.add_stream(container.video, film.rate, dict(container.options))
        stream.width, stream.height = width, height
        stream.pix_fmt = PIXELS[container.video, container.alpha]
        context, first = stream.codec_context, film.first
        context.time_base = film.time_base
        context.sample_aspect_ratio = film.aspect
        context.colorspace = first.colorspace if first.colorspace != RGB else Colorspace.ITU709
        context.color_range = first.color_range or ColorRange.MPEG
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
        return stream

    def _add_sound(self, container: Container, sound: Any) -> Callable[[Any], None]:
        """Add an audio stream; returns the function for its packets, which copies or re-encodes."""
        start = self.film.start(sound.time_base)
        name = sound.codec_context.name
        if name in self.output.supported_codecs:
            self.notes.append(f"sound: {name}, copied")
            return partial(self._copy, self.output.add_stream_from_template(sound), start)
        self.notes.append(
            f"sound: {name} cannot be in a {container.format} file; re-encoded as "
            f"{container.sound.removeprefix('lib')}"
        )
        layout = sound.layout.name.removesuffix("(side)")
        if layout not in LAYOUTS:  # a file may say how many channels it has, but not which
            if sound.channels > 2:
                self.notes.append(f"sound: {sound.layout.name} becomes stereo")
            layout = "mono" if sound.channels == 1 else "stereo"
        rate = 64_000 * max(sound.channels if layout != "stereo" else 2, 2)
        made = self.output.add_stream(container.sound, 48000, bit_rate=rate)
        made.layout = layout
        return partial(self._encode, sound, made, start)

    def _copy(self, made: Any, start: int, packet: Any) -> None:
        if packet is None or packet.dts is None:
            return
        packet.dts -= start
        packet.pts = packet.dts if packet.pts is None else packet.pts - start
        packet.stream = made
        self.output.mux(packet)

    def _encode(self, sound: Any, made: Any, start: int, packet: Any) -> None:
        if packet is not None and not packet.size:
            return
        try:
            frames = sound.decode(packet)
        except FFmpegError as error:
            self.film.report(packet, f"has sound that cannot be decoded ({error.strerror})")
            return
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= start
            self.output.mux(made.encode(frame))
        if packet is None:
            self.output.mux(made.encode())
