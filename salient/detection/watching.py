"""Watch a folder for new and changed pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from salient.detection.listing import Inputs
from salient.files import stamp

PAUSE = 1.0  # seconds between two checks


def changes(
    find: Callable[[], Inputs],
    known: Mapping[Path, tuple[int, int]],
    pause: Callable[[], object] | None = None,
) -> Iterator[dict[Path, Path]]:
    """After each check, the pictures to process with their target files; never ends.

    A picture is returned when it has not changed between two checks, so that a picture that is
    still being written has time.

    Args:
        find: lists the pictures, see `find_pictures`.
        known: the `stamps` of pictures that are done or left alone.
        pause: called between two checks; by default it sleeps PAUSE seconds.
    """
    done = dict(known)
    before: dict[Path, tuple[int, int]] = {}
    while True:
        (pause or _sleep)()
        targets: dict[Path, Path] = {}
        with suppress(FileNotFoundError):  # no picture is there yet
            targets = find().targets
        now = stamps(targets)
        ready = {path for path in now if before.get(path) == now[path] != done.get(path)}
        done |= {path: now[path] for path in ready}
        before = now
        if ready:
            yield {path: target for path, target in targets.items() if path in ready}


def _sleep() -> None:
    time.sleep(PAUSE)


def stamps(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """The size and time of each existing file."""
    stamps = {}
    for path in paths:
        with suppress(OSError):  # it has just gone
            stamps[path] = stamp(path)
    return stamps
