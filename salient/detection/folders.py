"""Folders of pictures -> folders of maps."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import cv2

from salient.arrays import Picture
from salient.data.encoding import encode_png
from salient.data.formats import SUFFIXES
from salient.data.images import read_image
from salient.detection.detector import Detector
from salient.detection.modes import Mode, draw_result
from salient.detection.road import MOST_BYTES, limited
from salient.files import write_whole

WAITING = 2  # threads beyond those that compute, since some wait for the disk
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # nothing more can be written at all


class Inputs(NamedTuple):
    """What an input names.

    Attributes:
        targets: the PNG to write, by picture.
        problems: a line for each picture that cannot be done.
        left_out: what is in a folder or matches a pattern and is no picture by its ending.
    """

    targets: dict[Path, Path]
    problems: list[str]
    left_out: list[Path]


def detect_files(
    detector: Detector,
    targets: dict[Path, Path],
    draw: Mode,
    problems: list[str],
    written: list[Path] | None = None,
) -> Iterator[Path]:
    """Write a PNG at each target for the picture that it stands for; yields each, in order.

    Threads read, detect, encode and write, each picture or batch from end to end.

    Args:
        detector: what detects.
        targets: the PNG to write, by picture.
        draw: a value of `MODES`, or a `Cutout`.
        problems: gets a line for each picture that cannot be read or written.
        written: gets each PNG as soon as it is there, also those that are never yielded because
            an error came before.

    Raises:
        OSError: nothing more can be written: the disk is full, or read-only.
    """

    def job(paths: list[Path]) -> tuple[list[Path], list[str]]:
        done: list[Path] = []
        troubles: list[str] = []
        pictures = read_pictures(paths, troubles)
        for batch in limited(pictures, detector.run_size, lambda one: one[1].nbytes):
            large = any(picture.nbytes > MOST_BYTES for _, picture in batch)
            with one_large if large else nullcontext():
                for path, content in _pictures(detector, batch, draw, troubles):
                    try:
                        done.append(write_whole(targets[path], content, durable=False))
                        if written is not None:
                            written.append(done[-1])
                    except OSError as error:
                        if error.errno in NO_ROOM:
                            raise
                        troubles.append(f"{targets[path]}: {error.strerror}")
        return done, troubles

    one_large = Lock()
    for done, troubles in detector.in_batches(job, targets, WAITING):
        problems += troubles
        yield from done


def read_pictures(paths: Iterable[Path], problems: list[str]) -> Iterator[tuple[Path, Picture]]:
    """The pictures of files, one by one; `problems` gets a line for each that cannot be read."""
    for path in paths:
        try:
            yield path, read_image(path)
        except (ValueError, OSError) as error:
            problems.append(str(error))


def find_pictures(given: str | Path | Sequence[str | Path], output: Path) -> Inputs:
    """The pictures that are given, and the PNG under `output` for each.

    A file is taken whatever its ending. A folder stands for those inside it, at any depth, whose
    structure is kept; anything else is a glob pattern. `a.jpg` beside `a.png` become `a.jpg.png`
    and `a.png.png`.

    Args:
        given: a file, a folder, a pattern, or a list of these.
        output: the folder to write to; within a folder of pictures it is passed over.

    Raises:
        FileNotFoundError: one of them names none.
        ValueError: `output` is the folder of pictures itself.
    """
    sources: dict[Path, Path] = {}  # by picture, its path within `output` but for the ending
    found = Inputs({}, [], [])
    for one in [given] if isinstance(given, str | Path) else given:
        matches = sorted(_matches(str(one), output, found.problems))
        for path, inner in matches:
            if path.suffix.lower() not in SUFFIXES and path != Path(one):
                found.left_out.append(path)
            elif path.is_file():
                sources[path] = inner
            elif path.is_symlink():
                found.problems.append(f"{path}: a link that leads to no file")
            else:
                found.left_out.append(path)
        if not found.problems and not any(path in sources for path, _ in matches):
            among = f" among {len(matches)} files" if matches else ""
            raise FileNotFoundError(f"input={one}: no pictures{among}; see docs/use/detect.md")
    _choose_targets(sources, output, found)
    return found


def _matches(pattern: str, output: Path, problems: list[str]) -> Iterator[tuple[Path, Path]]:
    """Files that an input stands for, and the path that each has within the output."""
    root = Path(pattern)
    if not root.is_dir():
        named = [pattern] if root.is_file() else glob.glob(pattern, recursive=True)
        yield from ((path, Path(path.name)) for path in map(Path, named) if not path.is_dir())
        return
    written = os.path.realpath(output)
    if os.path.realpath(root) == written:
        raise ValueError(f"output={output} is the folder of the pictures; give another")

    def cannot_enter(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for here, folders, names in os.walk(root, onerror=cannot_enter):
        links = [name for name in folders if Path(here, name).is_symlink()]
        folders[:] = [n for n in folders if os.path.realpath(Path(here, n)) != written]
        for name in names + links:  # links to folders are not followed, but told
            path = Path(here, name)
            yield path, path.relative_to(root)


def _choose_targets(sources: dict[Path, Path], output: Path, found: Inputs) -> None:
    stems = Counter(inner.with_suffix("") for inner in sources.values())
    for path, inner in sources.items():
        alone = stems[inner.with_suffix("")] == 1
        name = inner.with_suffix(".png") if alone else inner.with_name(f"{inner.name}.png")
        found.targets[path] = output / name
    twice = Counter(found.targets.values())
    originals = set(map(os.path.realpath, sources))
    for path, target in list(found.targets.items()):
        if twice[target] > 1:
            found.problems.append(f"{path}: {twice[target]} pictures would write {target}")
        elif os.path.realpath(target) in originals:
            found.problems.append(f"{path}: {target} is one of the pictures; give another output")
        else:
            continue
        del found.targets[path]


def _pictures(
    detector: Detector, batch: list[tuple[Path, Picture]], draw: Mode, problems: list[str]
) -> Iterator[tuple[Path, bytes]]:
    """The PNG of each picture of a batch; one by one where the memory is too small for all."""
    pictures = [picture for _, picture in batch]
    try:
        contents = [encode_png(draw_result(draw, one)) for one in detector.detect_batch(pictures)]
    except (MemoryError, RuntimeError, cv2.error) as error:
        if not isinstance(error, MemoryError) and not re.search("memory|allocate", str(error)):
            raise
        if len(batch) == 1:
            problems.append(f"{batch[0][0]}: too large for the memory")
            return
    else:
        yield from zip((path for path, _ in batch), contents)
        return
    for one in batch:
        yield from _pictures(detector, [one], draw, problems)
