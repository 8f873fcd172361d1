"""Pictures as rows of bytes, as Ray, Spark and other engines hand them to their workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from salient.config import checked
from salient.data.encoding import Format
from salient.data.pairs import Pair
from salient.data.transforms import MASK_THRESHOLD
from salient.detection.detector import Detector
from salient.detection.folders import detect_files
from salient.detection.inputs import Content
from salient.detection.load import EngineName
from salient.detection.modes import MODES
from salient.detection.outputs import Empty, Output, check_drawable
from salient.devices import Precision


class Made(NamedTuple):
    """What became of a row.

    Attributes:
        content: of the file that `predict` would write; None if there is none.
        row: what a summary says of it, see `salient.detection.summary`; `error` if it failed.
    """

    content: bytes | None
    row: dict[str, Any]


@checked
class RowDetector:
    """The contents of pictures -> the contents of the files that `salient predict` would write.

    One is made in each worker. A picture that cannot be read has an error in its row; it does not
    stop the others.

    Args:
        checkpoint, device, precision, engine: see `Detector.load`.
        mode: a key of `MODES`.
        format: png, webp or jpg.
        quality: of WebP and JPEG, 1..100.
        empty: write, skip or fail: what is done with pictures in which nothing stands out.
        options: those of `Detector`, such as `threads`.

    Raises:
        ValueError: an unknown mode, or what `Detector.load` refuses.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        engine: EngineName = "auto",
        mode: str = "map",
        format: Format = "png",
        quality: int | None = None,
        empty: Empty = "write",
        **options: Any,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"mode: {mode!r} is not valid; there are {', '.join(MODES)}")
        self.output = Output(None, format, quality, empty=empty)
        self.draw = MODES[mode]
        check_drawable(self.output, self.draw)
        self.detector = Detector.load(checkpoint, device, precision, engine, **options)

    def __call__(self, contents: Iterable[bytes], names: Sequence[str] = ()) -> list[Made]:
        """What becomes of each picture, in order; `names` are quoted in rows and errors."""
        sources = {Path(str(k)): content for k, content in enumerate(contents)}
        titles = dict(zip(sources, names or map(str, sources)))
        made: dict[Path, bytes] = {}
        files = detect_files(
            self.detector,
            {path: path for path in sources},
            self.draw,
            self.output,
            opened=lambda path: Content(sources[path], titles[path]),
            save=made.__setitem__,
        )
        return [
            Made(made.get(one.source), one.row | {"file": titles[one.source], "output": None})
            for one in files
        ]


def pair_rows(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """Pairs as rows of plain values, for `pairs_of` in a worker that can read the same paths."""
    paths = ("image", "mask")
    return [
        {k: str(Path(v).absolute()) if k in paths else v for k, v in pair._asdict().items()}
        for pair in pairs
    ]


def pairs_of(batch: Mapping[str, Sequence[Any]]) -> list[Pair]:
    """The pairs of a batch of rows, by column; images and masks are paths or contents."""
    rows = [dict(zip(batch, values)) for values in zip(*batch.values())]
    return [
        Pair(
            str(row["name"]),
            _source(row["image"], f"picture {row['name']}"),
            _source(row["mask"], f"mask {row['name']}"),
            int(row.get("threshold", MASK_THRESHOLD)),
            None if row.get("white") is None else float(row["white"]),
            bool(row.get("turn", True)),
        )
        for row in rows
    ]


def _source(cell: Any, name: str) -> Any:
    """What a cell holds: a path, or a content with a name for errors."""
    return Content(cell, name) if isinstance(cell, bytes) else Path(str(cell))
