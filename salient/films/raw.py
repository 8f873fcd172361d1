"""Raw frames through pipes, in the format of `ffmpeg -f rawvideo`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any, BinaryIO, Literal

import numpy as np
from pydantic import Field

from salient.arrays import Drawing
from salient.detection.detector import Detector
from salient.detection.modes import Mode
from salient.films.frames import PROBE, Frame, detect_frames, make_frame, probe
from salient.films.smoothing import Smoother

Size = Annotated[str, Field(pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$")]
PixelFormat = Literal["rgb24", "bgr24", "rgba", "bgra", "gray"]
CHANNELS = {"rgb24": 3, "bgr24": 3, "rgba": 4, "bgra": 4, "gray": 1}
WRITTEN = {0: "gray", 3: "rgb24", 4: "rgba"}  # by the channels of what is drawn; 0: H,W


class RawPipe:
    """Raw frames from the standard input to the standard output.

    Args:
        input, output: both `-`.
        pixel_format: of the input.
        size: WIDTHxHEIGHT.
        draw: a value of `MODES`, or a `Cutout`.

    Attributes:
        problems: a line for each fault of the frames.

    Raises:
        ValueError: one of these is missing, or the mode's output has another size.
    """

    def __init__(self, input: Any, output: str | None, pixel_format: Any, size: Any, draw: Mode):
        if input not in ("-", ["-"]) or output != "-" or not pixel_format or not size:
            raise ValueError(
                "raw frames: input=- output=- pixel_format=rgb24 size=640x360, all four"
            )
        self.pixel_format, self.words, self.draw = pixel_format, size, draw
        width, height = map(int, size.split("x"))
        self.size, self.written = (width, height), written_format(draw)
        self.problems: list[str] = []

    def __str__(self) -> str:
        return f"raw frames: {self.pixel_format} {self.words} in, {self.written} {self.words} out"

    def frames(self, detector: Detector, smoother: Smoother) -> Iterator[Frame]:
        """Detect and write; yields each frame when it is written. Raises OSError."""
        frames = read_frames(sys.stdin.buffer, self.pixel_format, self.size, self.problems)
        write = writer(sys.__stdout__.buffer)  # type: ignore[union-attr,arg-type]
        return detect_frames(detector, frames, self.draw, smoother, write)


def read_frames(
    stream: BinaryIO, pixel_format: PixelFormat, size: tuple[int, int], problems: list[str]
) -> Iterator[Frame]:
    """Frames of raw bytes, row by row from the top, until the stream ends.

    Args:
        stream: the input.
        pixel_format: FFmpeg's name for the order of the bytes.
        size: width and height.
        problems: receives a line if the last frame is not complete.
    """
    width, height = size
    channels = CHANNELS[pixel_format]
    wanted, number = width * height * channels, 0
    while content := stream.read(wanted):
        if len(content) < wanted:
            problems.append(
                f"the standard input ends {wanted - len(content)} bytes before the end of frame "
                f"{number + 1}; size={width}x{height} pixel_format={pixel_format}?"
            )
            return
        number += 1
        pixels = np.frombuffer(content, np.uint8).reshape(height, width, channels)
        yield make_frame(_as_rgb(pixels, pixel_format), number, number, 1)


def _as_rgb(pixels: Drawing, pixel_format: PixelFormat) -> Drawing:
    """RGB H,W,3 or RGBA H,W,4."""
    if pixel_format == "gray":
        return np.repeat(pixels, 3, axis=2)
    if pixel_format in ("bgr24", "bgra"):
        return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return pixels


def written_format(draw: Mode) -> PixelFormat:
    """The pixel format of a mode's output: gray, rgb24 or rgba.

    Raises:
        ValueError: the output does not have the size of the frames.
    """
    drawn = probe(draw)
    if drawn.shape[:2] != PROBE:
        raise ValueError("all raw frames have the same size; use cutout.crop=false")
    return WRITTEN[drawn.shape[2] if drawn.ndim == 3 else 0]  # type: ignore[return-value]


def writer(stream: BinaryIO) -> Callable[[Drawing, Frame], None]:
    """A function that writes the bytes of a drawing to a stream at once."""

    def write(drawn: Drawing, frame: Frame) -> None:
        try:
            stream.write(np.ascontiguousarray(drawn).data)
            stream.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, "the standard output") from error

    return write
