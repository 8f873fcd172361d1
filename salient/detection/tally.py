"""Collect the messages that are printed when a detection ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from salient.data.pairs import first_few
from salient.detection.folders import Done
from salient.detection.outputs import Empty

REMARKS = 5  # on pictures; further ones are only counted


class Tally:
    """Counts outcomes for the messages at the end, without keeping results.

    Args:
        rows: receives the summary's row of each picture, by name; None if there is no summary.

    Attributes:
        targets: the files that were written.
        kept: how many pictures were done before.
    """

    def __init__(self, rows: dict[str, dict[str, Any]] | None = None) -> None:
        self.rows, self.targets, self._failed = rows, list[Path](), dict[Path, str]()
        self.kept, self._notes, self._noted = 0, list[str](), 0
        self._nothing: list[str] = []

    def counted(self, files: Iterable[Done]) -> Iterator[Done]:
        """The same outcomes, after counting each."""
        for one in files:
            self._add(one)
            yield one

    @property
    def files(self) -> str:
        """How many files were written, in words."""
        return f"{len(self.targets)} file{'' if len(self.targets) == 1 else 's'}"

    @property
    def problems(self) -> list[str]:
        """A line for each picture that failed and was not done later."""
        return list(self._failed.values())

    def remarks(self, empty: Empty) -> Iterator[str]:
        """Notes on how pictures were read, and on pictures in which nothing stands out."""
        yield from self._notes
        if self._noted > REMARKS:
            yield f"note: there are {self._noted - REMARKS} more notes; summary=FILE.csv lists them"
        nothing = self._nothing
        if nothing and empty != "fail":
            what = "not written" if empty == "skip" else "written all the same (empty=write)"
            names = first_few(nothing)
            yield f"nothing stands out in {len(nothing)} pictures, which are {what}: {names}"

    def _add(self, one: Done) -> None:
        if one.kept:
            self.kept += 1
            return
        if self.rows is not None:
            self.rows[str(one.source)] = one.row
        if one.target is not None:
            self.targets.append(one.target)
        self._failed.pop(one.source, None)
        if one.error is not None:
            self._failed[one.source] = one.error
        if one.row.get("remarks"):
            self._noted += 1
            if self._noted <= REMARKS:
                self._notes.append(f"note: {one.source}: {one.row['remarks']}")
        if one.row.get("stands_out") is False:
            self._nothing.append(str(one.source))
