"""Read and write animated GIF, WebP and APNG as videos, with Pillow and without PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from PIL import Image

from salient.arrays import Drawing
from salient.data.colours import to_srgb
from salient.data.decoding import errors_named, open_picture
from salient.files import UNFINISHED, open_whole
from salient.films.frames import Container, Frame, make_frame

USUAL = 100  # milliseconds of a frame without a duration, or with one too short for browsers
SHORTEST = 10


class Animation:
    """An animation that is read once. The attributes are those of `salient.films.reader.Film`.

    Frames are complete pictures, composed with the frame before if needed. The default image of an
    APNG is left out if it is not a frame. Times are in milliseconds.

    Args:
        file: its path.
        problems: receives a line for each fault.

    Raises:
        ValueError: it cannot be read.
    """

    aspect, time_base, sounds = Fraction(1), Fraction(1, 1000), ()

    def __init__(self, file: Path, problems: list[str]) -> None:
        self.file, self.problems = file, problems
        with errors_named(file):
            self.picture = open_picture(BytesIO(file.read_bytes()))
            own = bool(self.picture.info.get("default_image"))
            self.numbers = range(int(own), int(self.picture.n_frames))  # type: ignore[attr-defined]
            self.loop = int(self.picture.info.get("loop", 0 if self._says_loop else 1))
            self.icc = self.picture.info.get("icc_profile")
        self.size = self.picture.height, self.picture.width
        self.expected: int | None = len(self.numbers)
        self.rate = Fraction(1000, USUAL)
        self.left_out = ["the default image, which is not a frame"] if own else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.picture.close()

    @property
    def first(self) -> Any:
        """A PyAV frame that describes the colours: sRGB."""
        from salient.films.reader import srgb_frame  # PyAV, which an animation does not need

        return srgb_frame(self.size)

    def frames(self, on_sound: Callable[[Any], object] = lambda _: None) -> Iterator[Frame]:
        """The frames in order. Damage ends them, with a line in `problems`."""
        time = 0
        for number, at in enumerate(self.numbers, 1):
            try:
                self.picture.seek(at)
                drawn = self._drawn()
                duration = float(self.picture.info.get("duration", 0))
            except Exception as error:  # a decoder's own
                self.problems.append(f"{self.file}: it ends before frame {number} ({error})")
                return
            length = max(round(duration if duration > SHORTEST else USUAL), 1)
            yield make_frame(drawn, number, time, length)
            time += length

    def _drawn(self) -> Drawing:
        """The frame that is open, sRGB H,W,3 or RGBA H,W,4."""
        layer = self.picture.convert("RGBA")
        colours = to_srgb(layer.convert("RGB"), self.icc)[0]
        return np.dstack([np.asarray(colours), np.asarray(layer.getchannel("A"))])

    @property
    def _says_loop(self) -> bool:
        """A GIF without a loop count is shown once; in other formats, 0 means for ever."""
        return self.picture.format != "GIF"


class AnimationWriter:
    """Writes an animation when it is finished; all frames are kept in memory."""

    def __init__(self, file: BinaryIO, container: Container, film: Animation) -> None:
        self.file, self.format, self.film = file, container.format, film
        self.notes = [f"left out: {what}" for what in film.left_out]
        if self.format == "GIF":
            self.notes.append("colours: a GIF has 256 in a frame, and no half transparency")
        self.frames: list[Image.Image] = []
        self.lengths: list[int] = []

    def write(self, drawn: Drawing, frame: Frame) -> None:
        """Keep the output of a frame, uint8 H,W, RGB H,W,3 or RGBA H,W,4."""
        self.frames.append(Image.fromarray(drawn))
        self.lengths.append(frame.duration)

    def write_sound(self, packet: Any) -> None:
        """Do nothing: an animation has no sound."""

    def finish(self) -> None:
        """Write the file. A map in WebP is lossless."""
        first, *others = self.frames
        options: dict[str, Any] = {"lossless": first.mode == "L", "quality": 90}
        if self.format != "WEBP":
            options = {"disposal": 2} if self.format == "GIF" else {}
        first.save(
            self.file,
            self.format,
            save_all=True,
            append_images=others,
            duration=self.lengths,
            loop=self.film.loop,
            **options,
        )


@contextmanager
def open_animation(
    output: Path, container: Container, film: Animation
) -> Iterator[AnimationWriter]:
    """The writer of an animation, for a `with` block; like `salient.films.writer.open_writer`."""
    with open_whole(output, ending=UNFINISHED) as file:
        writer = AnimationWriter(file, container, film)
        yield writer
        writer.finish()
