"""Read videos with PyAV: frames as displayed, packets of sound, and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import av.logging
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace

from salient.arrays import Drawing, Picture
from salient.films.frames import Frame, make_frame

# Formats are left out if they name other files or addresses (playlists), or accept any bytes.
DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg,mxf"
DAMAGED = "is damaged; shown as far as it can be decoded"
TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # by the name of FFmpeg's own decoder
ALPHA_MODE = ("alpha_mode", "ALPHA_MODE")
OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}


class Film:
    """A video that is read once, from its first frame to its last.

    Args:
        file: its path.
        problems: receives a line for each frame that cannot be decoded.

    Attributes:
        first: its first frame from PyAV, with the description of its colours.
        size: height and width as displayed.
        aspect: width over height of a pixel as displayed.
        rate: frames per second on average.
        time_base: the unit of the frames' times, in seconds.
        expected: how many frames it should have, None if unknown.
        sounds: PyAV's audio streams.
        left_out: descriptions of other streams, which are not read.

    Raises:
        FileNotFoundError, ValueError: the video cannot be read, or has no picture.
    """

    def __init__(self, file: Path, problems: list[str]) -> None:
        self.file, self.problems = file, problems
        self.first = self._first_frame()
        turned = upright(self.first, np.zeros((self.first.height, self.first.width), np.uint8))
        self.size: tuple[int, int] = turned.shape  # type: ignore[assignment]
        self.container, self.stream, self.decoder = _open(file)
        aspect = self.stream.sample_aspect_ratio or Fraction(1)
        self.aspect = aspect if self.size[1] == self.first.width else 1 / aspect
        self.rate: Fraction = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        self.time_base: Fraction = self.stream.time_base
        self.expected: int | None = self.stream.frames or None
        if self.expected is None and self.container.duration:
            self.expected = round(self.container.duration / av.time_base * self.rate)
        self.sounds = [s for s in self.container.streams.audio if s.codec_context is not None]
        kept = [self.stream, *self.sounds]
        others = [s for s in self.container.streams if all(s.index != k.index for k in kept)]
        self.left_out = [f"stream {s.index} ({s.type})" for s in others]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.container.close()

    def start(self, time_base: Fraction) -> int:
        """The start of the video, which becomes 0 in the output, in a stream's own unit."""
        return round(Fraction(self.container.start_time or 0, av.time_base) / time_base)

    def frames(self, on_sound: Callable[[Any], object]) -> Iterator[Frame]:
        """The frames in order; `on_sound` receives PyAV's packets of sound on the way."""
        number, last, packets = 0, -1, 0
        start = self.start(self.time_base)
        step = max(1, round(1 / self.rate / self.time_base))
        for packet in self._packets():
            if packet is not None and packet.stream_index != self.stream.index:
                on_sound(packet)
                continue
            packets += packet is not None
            for frame, picture in self._decoded(packet):
                time = last + step if frame.pts is None else frame.pts - start
                last, number = max(time, last + 1), number + 1
                yield make_frame(picture, number, last, frame.duration or 0)
        if packets < self.stream.frames:
            self.problems.append(
                f"{self.file}: it ends after {packets} of {self.stream.frames} frames"
            )

    def _packets(self) -> Iterator[Any]:
        """The packets of the file in order, and then None; reports truncation and gaps."""
        level = av.logging.get_level()
        av.logging.set_level(av.logging.ERROR)
        try:
            with av.logging.Capture() as log:
                for packet in self.container.demux(self.stream, *self.sounds):
                    if packet.is_corrupt and packet.stream_index != self.stream.index:
                        self.report(packet, "has damaged sound; left out")
                    elif packet.size or packet.dts is not None:  # otherwise PyAV added it
                        yield packet
        except FFmpegError as error:
            self.problems.append(f"{self.file}: reading ended before its end ({error.strerror})")
        finally:
            av.logging.set_level(level)
        texts = {text.strip() for _, who, text in log if who == self.container.format.name}
        self.problems += [f"{self.file}: damaged, so frames may be missing ({t})" for t in texts]
        yield None

    def _decoded(self, packet: Any) -> Iterator[tuple[Any, Drawing]]:
        """The frames decoded from a packet, with their pictures; None flushes the rest."""
        if packet is not None and not packet.size:
            return  # repeats the frame before
        try:
            frames = self.decoder.decode(packet)
        except FFmpegError as error:
            self.report(packet, f"cannot be decoded ({error.strerror}); left out")
            return
        if packet is not None and packet.is_corrupt:
            self.report(packet, DAMAGED)
        for frame in frames:
            try:
                transparent = any(part.is_alpha for part in frame.format.components)
                picture = frame.to_ndarray(
                    format="rgba" if transparent else "rgb24",
                    width=self.first.width,
                    height=self.first.height,
                )
            except (FFmpegError, ValueError) as error:
                self.report(frame, f"cannot be converted to a picture ({error}); left out")
                continue
            if frame.is_corrupt:
                self.report(frame, DAMAGED)
            yield frame, np.ascontiguousarray(upright(frame, picture))

    def report(self, what: Any, words: str) -> None:
        """Report a fault of PyAV's packet or frame, with its time."""
        when = "without a time"
        if what is not None and what.pts is not None:
            when = f"at {float((what.pts - self.start(what.time_base)) * what.time_base):.3f} s"
        line = f"{self.file}: the frame {when} {words}"
        if line not in self.problems:
            self.problems.append(line)

    def _first_frame(self) -> Any:
        container, stream, decoder = _open(self.file)
        with container:
            for packet in container.demux(stream):
                try:
                    for frame in decoder.decode(packet):
                        return frame
                except FFmpegError:
                    continue  # reported when the video is read
        raise ValueError(f"{self.file}: none of its frames can be decoded")


def _open(file: Path) -> tuple[Any, Any, Any]:
    """The container, its video stream, and the decoder."""
    try:
        container = av.open(f"file:{file}", options=OPTIONS)
    except FFmpegError as error:
        raise ValueError(f"{file}: not a readable video ({error.strerror})") from error
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        held = ", ".join(sorted({s.type for s in container.streams})) or "nothing else"
        container.close()
        raise ValueError(f"{file}: contains no video, only {held}")
    stream = streams[0]
    if stream.codec_context is None:
        container.close()
        raise ValueError(f"{file}: FFmpeg cannot decode this kind of video")
    stream.thread_type = "NONE"  # so that failing frames belong to packets, and damage is marked
    return container, stream, _decoder(stream)


def _decoder(stream: Any) -> Any:
    """The decoder of a stream; libvpx for transparent VP8 and VP9, which FFmpeg's cannot decode."""
    own = stream.codec_context
    library = TRANSPARENT.get(own.name)
    if library is None or "1" not in (stream.metadata.get(key) for key in ALPHA_MODE):
        return own
    decoder: Any = av.CodecContext.create(library, "r")
    decoder.extradata, decoder.thread_type = own.extradata, "NONE"
    return decoder


def srgb_frame(size: tuple[int, int]) -> Any:
    """A black frame of a size (height, width) that says its colours are sRGB."""
    frame: Any = av.VideoFrame.from_ndarray(np.zeros((*size, 3), np.uint8), "rgb24")
    frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
    frame.color_primaries, frame.color_trc = 1, 13  # FFmpeg's numbers of BT.709 and sRGB
    return frame


def upright(frame: Any, picture: Picture) -> Picture:
    """Rotate and mirror a frame's picture by the video's display matrix; returns a view.

    The matrix maps a pixel (x, y) to (a x + c y, b x + d y). Angles are rounded to 90 degrees.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return picture
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5]
    if abs(b) > abs(a):
        picture = picture.swapaxes(0, 1)
        a, d = c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
