"""Decoded, shrunk copies of pairs, for pictures that are slow to read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from salient.arrays import Drawing
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.files import write_whole


def cached_pairs(pairs: Sequence[Pair], folder: str | Path, side: int) -> list[Pair]:
    """The same pairs as files that are quick to read: `<folder>/images/*.bmp`, `masks/*.png`.

    If both sides are longer than `side` pixels, the shorter one becomes `side`, by area averages
    (also for masks, so their borders are grey). BMP stores the pixels uncompressed. A file is
    written completely or not at all, once, and again if its original is newer.

    Raises:
        FileNotFoundError, ValueError: an original is missing or not a readable picture.
        OSError: a copy cannot be written.
    """
    folder = Path(folder)

    def copy(pair: Pair) -> Pair:
        image = folder / "images" / f"{pair.name}.bmp"
        mask = folder / "masks" / f"{pair.name}.png"
        if _is_older(image, pair.image):
            _write(image, _shrink(read_picture(pair), side)[..., ::-1])  # OpenCV takes BGR
        if _is_older(mask, pair.mask):
            _write(mask, _shrink(read_truth(pair), side))
        return Pair(pair.name, image, mask)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(copy, pairs))


def _is_older(copy: Path, original: Path) -> bool:
    return not copy.is_file() or copy.stat().st_mtime < original.stat().st_mtime


def _shrink(picture: Drawing, side: int) -> Drawing:
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    if scale >= 1:
        return picture
    size = round(width * scale), round(height * scale)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _write(file: Path, picture: Drawing) -> None:
    write_whole(file, cv2.imencode(file.suffix, picture)[1].tobytes())
