"""A summary with a row for each picture: CSV or JSON Lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from salient.detection.result import Result
from salient.files import check_writable, write_whole

COLUMNS = (
    *("file", "output", "stands_out", "left", "top", "width", "height", "area", "confidence"),
    *("predicted_iou", "remarks", "error"),
)
ENDINGS = (".csv", ".jsonl")


def row_of(file: str, output: str | None, result: Result) -> dict[str, Any]:
    """The row of a picture: values by COLUMNS.

    `output` is the file that was written, or None. The box contains the pixels of at least half;
    area, confidence and predicted_iou are 0..1.
    """
    iou = result.predicted_iou
    box = result.box
    where = dict.fromkeys(("left", "top", "width", "height")) if box is None else box._asdict()
    return {
        "file": file,
        "output": output,
        "stands_out": result.stands_out,
        **where,
        "area": round(result.area, 5),
        "confidence": round(result.confidence, 4),
        "predicted_iou": None if iou is None else round(iou, 4),
        "remarks": "; ".join(result.photo.remarks) or None,
        "error": None,
    }


def failed_row(file: str, error: str) -> dict[str, Any]:
    """The row of a picture that failed."""
    return dict.fromkeys(COLUMNS) | {"file": file, "error": error}


def start_summary(path: str, overwrite: bool | str) -> dict[str, dict[str, Any]]:
    """The rows that a continued summary already has, by file.

    Args:
        path: the file.
        overwrite: whether to replace it; `skip` keeps the rows of pictures that are not repeated.

    Raises:
        ValueError: the name is neither CSV nor JSON Lines, or the file exists already.
        OSError: its folder cannot be written.
    """
    _check_ending(path)
    if overwrite is False and Path(path).exists():
        raise ValueError(f"summary={path} already exists; overwrite=true replaces it")
    check_writable(Path(path).parent)
    older = read_summary(path) if overwrite == "skip" else []
    return {str(row["file"]): row for row in older}


def write_summary(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows of `row_of` and `failed_row`, completely or not at all; returns the path.

    CSV (RFC 4180) has a heading and empty cells for unknown values; JSON Lines have null. A byte of
    a name that is not UTF-8 is escaped in JSON and unchanged in CSV.

    Raises:
        ValueError: another extension.
        OSError: the file cannot be written.
    """
    _check_ending(path)
    if Path(path).suffix.lower() == ".jsonl":
        content = "".join(f"{json.dumps(dict(row))}\n" for row in rows)
    else:
        text = StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows({k: _plain(v) for k, v in row.items()} for row in rows)
        content = text.getvalue()
    return write_whole(path, content.encode(errors="surrogateescape"))


def read_summary(path: str | Path) -> list[dict[str, Any]]:
    """The rows of an existing summary; none if there is no file. CSV gives texts."""
    if not Path(path).is_file():
        return []
    text = Path(path).read_bytes().decode(errors="surrogateescape")
    if Path(path).suffix.lower() == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return list(csv.DictReader(StringIO(text, newline="")))


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _check_ending(path: str | Path) -> None:
    if Path(path).suffix.lower() not in ENDINGS:
        raise ValueError(f"summary={path}: the name must end in {' or '.join(ENDINGS)}")
