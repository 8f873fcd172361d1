"""Convert a video into another video, or into a folder with a PNG for each frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from salient.detection.detector import Detector
from salient.detection.modes import Mode
from salient.distribution import how_to_install
from salient.files import check_writable, remove_partials
from salient.films.animation import Animation, open_animation
from salient.films.frames import ANIMATIONS, container_for, detect_frames
from salient.films.smoothing import Smoother

Overwrite = bool | Literal["skip"]
FRAMES = "[0-9]" * 6 + ".png"  # the names of a film's frames in a folder


class Conversion:
    """The conversion of a video, in a `with` block: checked, then written frame by frame.

    Args:
        film: the video to read.
        output: as in `container_for`.
        draw: a value of `MODES`, or a `Cutout`.
        overwrite: whether to replace existing files; `skip` keeps them and writes other frames.
        smooth: see `Smoother`.

    Attributes:
        target: the file, or the folder of frames.
        existing: the output files that exist already.
        finished: whether everything is already done.
        expected: how many frames will be written, None if unknown.
        notes: notes for the user, one line each; complete when the first frame is written.
        problems: a line for each fault of the video.
        done: frames written so far.

    Raises:
        ValueError: the video cannot be read, or the output does not suit it or exists already.
        FileNotFoundError: there is no such video.
        ModuleNotFoundError: PyAV is not installed.
        OSError: the output cannot be written.
    """

    def __init__(
        self, film: Path, output: str, draw: Mode, overwrite: Overwrite, smooth: float
    ) -> None:
        self.film, self.draw, self.overwrite = film, draw, overwrite
        self.smoother, self.target = Smoother(smooth), Path(output)
        self.container = container_for(output, film, draw)
        is_file = self.container is not None
        there = [self.target] if self.target.exists() else []
        self.existing = there if is_file else sorted(self.target.glob(FRAMES))
        self._check_existing()
        self.finished = bool(is_file and self.existing and overwrite == "skip")
        self.expected: int | None = None
        self.notes, self.problems = list[str](), list[str]()
        self.done = self._last = 0

    def __enter__(self) -> Self:
        self._open_source: Any = Animation
        try:
            if self.film.suffix.lower() not in ANIMATIONS:
                from salient.films.reader import Film

                self._open_source = Film
            if self.container is None or self.container.video:
                from salient.films import writer  # noqa: F401 - before the work
        except ModuleNotFoundError as error:
            if error.name != "av":
                raise
            raise ModuleNotFoundError(
                f"input={self.film}: a video needs PyAV, which is not installed; "
                f"{how_to_install('video')}"
            ) from error
        with ExitStack() as stack:
            self.source = stack.enter_context(self._open_source(self.film, self.problems))
            check_writable(self.target.parent if self.container else self.target)
            if self.container is None:
                remove_partials(self.target)
            self._stack = stack.pop_all()
        self.expected = self.source.expected
        if self.overwrite == "skip" and self.expected:
            self.expected -= len(self.existing)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def frames(self, detector: Detector) -> Iterator[int]:
        """Detect and write; yields each frame's number when it is written.

        A video file appears, complete, after the last frame; until then an existing file stays.

        Raises:
            OSError: nothing more can be written.
        """
        with self._writer() as writer:
            self.notes += writer.notes
            frames = self.source.frames(writer.write_sound)
            if self.overwrite == "skip":
                there = {int(path.stem) for path in self.existing}
                frames = (frame for frame in frames if frame.number not in there)
            for frame in detect_frames(detector, frames, self.draw, self.smoother, writer.write):
                self.done, self._last = self.done + 1, frame.number
                yield frame.number

    def _writer(self) -> Any:
        """What writes, in a `with` block."""
        if self.container is not None and not self.container.video:
            return open_animation(self.target, self.container, self.source)
        from salient.films.writer import open_writer

        return open_writer(self.target, self.container, self.source)

    def so_far(self) -> str:
        """The message after an interruption: what is written, and how to continue."""
        if self.container is None:
            return f"{self.done} frames are written; continue with overwrite=skip"
        before = ", what was there stays" if self.existing else ""
        return f"{self.target} is not written, after {self.done} frames{before}"

    @property
    def written(self) -> list[Path]:
        """The files that exist now."""
        return [self.target] if self.container else sorted(self.target.glob(FRAMES))

    @property
    def older(self) -> list[Path]:
        """Frames of an older, longer video that are still in the folder."""
        kept = [] if self.container or self.overwrite == "skip" else self.existing
        return [path for path in kept if int(path.stem) > self._last]

    @property
    def already_there(self) -> str:
        """The message about existing output."""
        if self.container:
            return f"{self.target} already exists"
        return f"{len(self.existing)} frames, from {self.existing[0]} on, already exist"

    def _check_existing(self) -> None:
        """Refuse existing output if `overwrite` does not allow it."""
        if not self.existing or self.overwrite is True:
            return
        if self.overwrite is False:
            more = "" if self.container else ", overwrite=skip makes the others"
            raise ValueError(f"{self.already_there}; overwrite=true replaces what is there{more}")
        if self.smoother.smooth and not self.container:
            raise ValueError(
                "overwrite=skip: smooth needs every frame; overwrite=true, or smooth=0"
            )
