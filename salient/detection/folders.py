"""Process pictures from files to files: read, detect, draw and write, several at a time."""

from __future__ import annotations

import errno
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import cv2

from salient.data.images import Photo, read_photo
from salient.detection.detector import Detector
from salient.detection.inputs import Content
from salient.detection.listing import STANDARD
from salient.detection.modes import Mode, draw_result
from salient.detection.outputs import Output
from salient.detection.result import Result
from salient.detection.road import MOST_BYTES, limited
from salient.detection.summary import failed_row, row_of
from salient.files import write_whole
from salient.remote import is_remote

WAITING = 2  # more threads than cores, because some wait for the disk
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # nothing more can be written at all


class Done(NamedTuple):
    """The outcome for a picture.

    Attributes:
        source: the picture.
        target: the file that was written; None if none was.
        row: what a summary says of it, see `salient.detection.summary`.
        error: why it could not be done, in a line that names it.
        size: height and width in pixels; None if it was not read.
        seconds: of the thread that did it.
        kept: whether it was done before, and its file stays.
        twin_of: a picture with the same content, which is detected for both.
    """

    source: Path
    target: Path | None
    row: dict[str, Any]
    error: str | None = None
    size: tuple[int, int] | None = None
    seconds: float = 0.0
    kept: bool = False
    twin_of: Path | None = None


# What is read for a picture, or what it becomes without being detected; where content goes.
Open = Callable[[Path], Path | Content | Done]
Save = Callable[[Path, bytes], object]


def save_file(target: Path, content: bytes) -> None:
    """Write a file, or to the standard output."""
    if target == STANDARD:
        sys.__stdout__.buffer.write(content)  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]
    else:
        write_whole(target, content, durable=False)


def detect_files(
    detector: Detector,
    targets: dict[Path, Path],
    draw: Mode,
    output: Output,
    written: list[Path] | None = None,
    white: float | None = None,
    opened: Open | None = None,
    save: Save = save_file,
) -> Iterator[Done]:
    """Detect in each picture and write its target file; yields each outcome, in order.

    Threads read, detect, encode and write, each picture or batch from end to end.

    Args:
        detector: what detects.
        targets: the file to write, by picture.
        draw: a value of `MODES`, or a `Cutout`.
        output: how files are written, and pictures in which nothing stands out.
        written: gets each file as soon as it is there, also those that are never yielded because
            an error came before.
        white: of grey pictures of more than 8 bits, see `read_photo`.
        opened: what is read for a picture, or what it becomes without being detected; None reads
            its file.
        save: what is done with the content of a target, on threads.

    Raises:
        OSError: nothing more can be written: the disk is full, or read-only.
    """

    def job(paths: list[Path]) -> list[Done]:
        start, done, sizes = time.perf_counter(), dict[Path, Done](), dict[Path, Any]()
        photos = read_photos(paths, done, white, opened or source_of)
        for batch in limited(photos, detector.run_size, lambda one: one[1].rgb.nbytes):
            large = any(photo.rgb.nbytes > MOST_BYTES for _, photo in batch)
            sizes |= {path: photo.rgb.shape[:2] for path, photo in batch}
            with one_large if large else nullcontext():
                for path, content, row in _drawn(detector, batch, draw, output, done):
                    done[path] = _written(path, targets[path], content, row, save)
                    if written is not None and done[path].target is not None:
                        written.append(targets[path])
        each = (time.perf_counter() - start) / len(paths)
        return [done[path]._replace(size=sizes.get(path), seconds=each) for path in paths]

    one_large = Lock()
    yield from chain.from_iterable(detector.in_batches(job, targets, WAITING))


def read_photos(
    paths: Iterable[Path],
    settled: dict[Path, Done],
    white: float | None,
    opened: Open,
) -> Iterator[tuple[Path, Photo]]:
    """The pictures of files, one by one; `settled` gets those that cannot or need not be read."""
    for path in paths:
        try:
            source = opened(path)
            if isinstance(source, Done):
                settled[path] = source
            else:
                yield path, read_photo(source, white)
        except (ValueError, OSError) as error:
            settled[path] = _failed(path, str(error))


def source_of(path: Path) -> Path | Content:
    """What is read of a picture: its file, or the standard input with a name."""
    if path == STANDARD:
        return Content(sys.stdin.buffer.read(), "the standard input")
    return Content(path.read_bytes(), str(path)) if is_remote(path) else path


def _drawn(
    detector: Detector,
    batch: list[tuple[Path, Photo]],
    draw: Mode,
    output: Output,
    failed: dict[Path, Done],
) -> Iterator[tuple[Path, bytes | None, dict[str, Any]]]:
    """The file's content and the summary's row of each picture of a batch.

    The content is None where nothing stands out and such pictures are skipped. They are done one by
    one where the memory is too small for all.
    """
    try:
        results = detector.detect_batch([photo for _, photo in batch])
        made = [_content(path, result, draw, output) for (path, _), result in zip(batch, results)]
    except (MemoryError, RuntimeError, cv2.error) as error:
        if not isinstance(error, MemoryError) and not re.search("memory|allocate", str(error)):
            raise
        if len(batch) == 1:
            path = batch[0][0]
            failed[path] = _failed(path, f"{path}: not enough memory to process it")
            return
    else:
        for (path, _), (content, row, fault) in zip(batch, made):
            if fault is None:
                yield path, content, row
            else:
                failed[path] = Done(path, None, row | {"error": fault}, f"{path}: {fault}")
        return
    for one in batch:
        yield from _drawn(detector, [one], draw, output, failed)


def _content(
    path: Path, result: Result, draw: Mode, output: Output
) -> tuple[bytes | None, dict[str, Any], str | None]:
    """What is written of a picture, its row, and why it cannot be done."""
    row = row_of(str(path), None, result)
    if output.empty != "write" and not result.stands_out:
        return None, row, "nothing stands out" if output.empty == "fail" else None
    try:
        return output.encode(draw_result(draw, result)), row, None
    except ValueError as error:
        return None, row, str(error)


def _written(
    path: Path, target: Path, content: bytes | None, row: dict[str, Any], save: Save
) -> Done:
    """Save a file, unless there is no content."""
    if content is None:
        return Done(path, None, row)
    try:
        save(target, content)
    except OSError as error:
        if error.errno in NO_ROOM or target == STANDARD:
            raise
        said = f"{target}: {error.strerror}"
        return Done(path, None, row | {"error": said}, said)
    return Done(path, target, row | {"output": str(target)})


def _failed(path: Path, error: str) -> Done:
    return Done(path, None, failed_row(str(path), error), error)
