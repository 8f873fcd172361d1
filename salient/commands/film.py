"""What `salient predict` does with a film: a film, or a folder of frames, is made of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from salient.detection.detector import Detector
from salient.detection.modes import Mode
from salient.distribution import how_to_install
from salient.files import check_writable, remove_partials
from salient.films.frames import Container, container_for, detect_frames
from salient.films.smoothing import Smoother

Overwrite = bool | Literal["skip"]
FRAMES = "[0-9]" * 6 + ".png"  # the names of a film's frames in a folder


def predict_film(
    film: Path,
    output: str,
    draw: Mode,
    overwrite: Overwrite,
    smooth: float,
    load: Callable[[], Detector],
) -> list[Path]:
    """Write `output`, of a film; returns what was written.

    Frames that cannot be decoded are told at the end, in a SystemExit, when all else is done.

    Raises:
        ValueError: no readable film, an output that does not go with it or is there already.
        ModuleNotFoundError: PyAV is not installed.
        OSError: `output` cannot be written.
    """
    try:
        from salient.films.reader import Film
        from salient.films.writer import open_writer
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise
        raise ModuleNotFoundError(
            f"input={film}: a film needs PyAV, which is not installed; {how_to_install('video')}"
        ) from error
    container, target = container_for(output, film, draw), Path(output)
    standing = _standing(target, container, overwrite, smooth)
    if container and standing and overwrite == "skip":
        return []
    smoother, problems = Smoother(smooth), list[str]()
    done = last = 0
    with Film(film, problems) as source:
        check_writable(target.parent if container else target)
        if container is None:
            remove_partials(target)
        detector = load()
        print(f"network: {detector.engine.origin}")
        start, total = time.perf_counter(), source.expected
        try:
            with open_writer(target, container, source) as writer:
                print(*writer.notes, sep="\n", end="\n" if writer.notes else "")
                frames = source.frames(writer.hear)
                if overwrite == "skip":
                    total = total and total - len(standing)
                    there = {int(path.stem) for path in standing}
                    frames = (frame for frame in frames if frame.number not in there)
                made = detect_frames(detector, frames, draw, smoother, writer.write)
                for frame in tqdm(made, unit="frame", total=total, disable=None):
                    done, last = done + 1, frame.number
        except KeyboardInterrupt:
            sys.exit(f"interrupted: {_what_stands(target, container, standing, done)}")
        except OSError as error:
            what = f"{error.filename}: {error.strerror}"
            sys.exit(f"error: {what}; {_what_stands(target, container, standing, done)}")
    rate = done / (time.perf_counter() - start)
    print(
        f"{done} frames in {output}, {rate:.1f} frames a second by "
        f"{detector.engine.name}\n{smoother.report()}"
    )
    kept = [] if container or overwrite == "skip" else standing
    older = [path for path in kept if int(path.stem) > last]
    if older:
        print(f"{len(older)} frames of an older film are still there, from {older[0]} on")
    if problems:
        sys.exit("\n".join([f"error: {len(problems)} faults of the film:", *problems]))
    return [target] if container else sorted(target.glob(FRAMES))


def _standing(
    target: Path, container: Container | None, overwrite: Overwrite, smooth: float
) -> list[Path]:
    """What is there already of the output; refuses what `overwrite` does not allow."""
    standing = [target] if container and target.exists() else sorted(target.glob(FRAMES))
    if not standing or overwrite is True:
        return standing
    there = f"{target} is" if container else f"{len(standing)} frames, from {standing[0]} on, are"
    if overwrite is False:
        more = "" if container else ", overwrite=skip makes the others"
        raise ValueError(f"{there} there already; overwrite=true replaces what is there{more}")
    if smooth and not container:
        raise ValueError("overwrite=skip: smooth needs every frame; overwrite=true, or smooth=0")
    print(f"{there} there already")
    return standing


def _what_stands(target: Path, container: Container | None, standing: list[Path], done: int) -> str:
    if container is None:
        return f"{done} frames are written; go on with overwrite=skip"
    before = ", what was there stays" if standing else ""
    return f"{target} is not written, after {done} frames{before}"
