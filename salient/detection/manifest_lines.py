"""Read the lines of a manifest from `salient.detection.manifest`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salient.files import check_regular

KEYS = ("sha256", "output", "weights", "options", "stands_out", "twin_of", "shard", "error")


def whole_lines(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The complete lines of a manifest with their positions; a line cut short by a kill is skipped.

    Each run begins with a line that has its `shard` and its number of `pictures`. The other lines
    are for pictures.

    Raises:
        ValueError: it is not a manifest.
        FileNotFoundError: there is no such file.
    """
    check_regular(path, "manifest")
    at = 0
    with Path(path).open("rb") as stream:
        for number, content in enumerate(stream, 1):
            if content.endswith(b"\n"):
                try:
                    line = json.loads(content)
                    _ = [line[key] for key in (KEYS if "input" in line else ("shard", "pictures"))]
                except (ValueError, KeyError, TypeError):
                    raise ValueError(f"{path}, line {number}: not a manifest's") from None
                yield at, line
            at += len(content)


def end_of_lines(path: Path) -> int:
    """The length of a file without an incomplete last line."""
    with path.open("rb") as stream:
        at = stream.seek(0, os.SEEK_END)
        while at:
            start = max(0, at - 65536)
            stream.seek(start)
            found = stream.read(at - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            at = start
    return 0
