"""The messages of a long detection: files left out, progress, and errors."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from tqdm import tqdm

from salient.detection.detector import Detector
from salient.films.raw import RawPipe
from salient.films.smoothing import Smoother


def work_through(
    items: Iterable[object],
    unit: str,
    total: int | None,
    so_far: Callable[[], str],
    notes: Sequence[str] = (),
) -> tuple[int, float]:
    """Process all items, with a progress bar below the `notes`; returns their number and rate.

    Ctrl-C and a full disk end the process with a line that says what is written `so_far`.
    """
    start, done = time.perf_counter(), 0
    try:
        with tqdm(unit=unit, total=total, disable=None) as bar:
            for _ in items:
                if notes and not done:
                    bar.write("\n".join(notes), file=sys.stdout)
                done += 1
                bar.update()
    except KeyboardInterrupt:
        sys.exit(f"interrupted: {so_far()}")
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}; {so_far()}")
    return done, done / (time.perf_counter() - start)


def end_with(problems: Sequence[str], heading: str) -> None:
    """End the process with the list of problems, if there are any."""
    if problems:
        sys.exit("\n".join([f"error: {heading}", *problems]))


def pipe_through(pipe: RawPipe, smooth: float, load: Callable[[], Detector]) -> list[Path]:
    """Detect in raw frames; all messages go to the standard error. Returns no files."""
    with redirect_stdout(sys.stderr):
        detector = load()
        print(f"network: {detector.engine.origin}\n{pipe}", flush=True)
        frames = pipe.frames(detector, Smoother(smooth))
        done, rate = work_through(frames, "frame", None, lambda: "frames before it are written")
        print(f"{done} frames, {rate:.1f} frames a second by {detector.engine.name}")
        end_with(pipe.problems, f"{len(pipe.problems)} faults of the frames:")
    return []
