"""The lines of a manifest's file, as `salient.detection.manifest` writes them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salient.files import check_regular

KEYS = ("sha256", "output", "weights", "options", "stands_out", "twin_of", "shard", "error")


def whole_lines(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a manifest, and where each begins; one that a kill cut short is passed over.

    Each run begins with a line that has `shard` and `pictures`, how many are in it; the others are
    a picture's.

    Raises:
        ValueError: it is no manifest.
        FileNotFoundError: it is not there.
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
    """The length of a file without a last line that is not whole."""
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
