"""Folders of pictures -> folders of maps."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from salient.data.images import SUFFIXES, read_image
from salient.detection.detector import Detector
from salient.detection.modes import MODES, Array
from salient.files import write_whole

MOST_BYTES = 200_000_000  # of pictures that are held for one batch


def detect_files(
    detector: Detector, targets: dict[Path, Path], mode: str, problems: list[str]
) -> Iterator[Path]:
    """Write a PNG at each target for the picture that it stands for; yields what was written.

    Args:
        detector: what detects; its batch size is the files'.
        targets: the PNG to write, by picture.
        mode: one of `MODES`.
        problems: gets a line for each picture that cannot be read or written.
    """
    for batch in read_batches(targets, detector.batch_size, problems):
        for (path, picture), maps in zip(batch.items(), detector.detect(list(batch.values()))):
            content = BytesIO()
            Image.fromarray(MODES[mode](picture, *maps)).save(content, "PNG")
            try:
                yield write_whole(targets[path], content.getvalue())
            except OSError as error:
                problems.append(f"{targets[path]}: {error}")


def read_batches(
    paths: Iterable[Path], size: int, problems: list[str]
) -> Iterator[dict[Path, Array]]:
    """Up to `size` pictures at a time, fewer of large ones; `problems` gets what cannot be read."""
    batch: dict[Path, Array] = {}
    for path in paths:
        try:
            batch[path] = read_image(path)
        except (ValueError, OSError) as error:
            problems.append(str(error))
        if len(batch) == size or sum(picture.nbytes for picture in batch.values()) > MOST_BYTES:
            yield batch
            batch = {}
    if batch:
        yield batch


def find_pictures(pattern: str, output: Path) -> dict[Path, Path]:
    """The pictures that a file, a folder (with those inside it) or a glob names, and their outputs.

    A folder's structure is kept under `output`.

    Raises:
        FileNotFoundError: there are none.
        ValueError: two of them would be written to one file.
    """
    root = Path(pattern)
    if root.is_file():
        pictures = [root]
    elif root.is_dir():
        inside = (p for p in root.rglob("*") if output.resolve() not in p.resolve().parents)
        pictures = [p for p in inside if p.is_file() and p.suffix.lower() in SUFFIXES]
    else:
        named = map(Path, glob.glob(pattern, recursive=True))
        pictures = [p for p in named if p.is_file() and p.suffix.lower() in SUFFIXES]
    if not pictures:
        raise FileNotFoundError(f"input={pattern}: no pictures ({', '.join(SUFFIXES)})")
    sources: dict[Path, Path] = {}  # by target
    for path in sorted(pictures):
        inner = path.relative_to(root) if root.is_dir() else Path(path.name)
        target = output / inner.with_suffix(".png")
        if target in sources:
            raise ValueError(f"input={pattern}: several pictures would write {target}")
        sources[target] = path
    return {path: target for target, path in sources.items()}
