"""Keep a thumbnail, the curves and the objects of each scored pair, for the report."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salient.arrays import Float32, Map, Mask, Picture
from salient.metrics import CURVES, USUAL, Choice, PairScores
from salient.metrics.measured import Floats
from salient.scoring.objects import Objects, objects_of
from salient.scoring.score import of_all_processes

SIDE = 224  # pixels, the longer side of a thumbnail
QUALITY = 60  # WebP's
STEP = 65000  # a curve's value 1 as an integer: 1e-5 is exact, and E may pass 1 a little


class Entry(NamedTuple):
    """One map: its `figures`, its `curves` (uint16 len(CURVES),256, in steps of 1 / STEP), its
    `thumbnail` (WebP), the `objects` of its mask, and the `further` curves of its choice, if any
    (float32 n,256).
    """

    figures: Mapping[str, float]
    curves: NDArray[np.uint16]
    thumbnail: bytes
    objects: Objects
    further: Float32 | None = None


class Album:
    """The entries of one method on one set, by the pairs' names: about 4 KB each."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def add(self, name: str, saliency: Map, mask: Mask, scores: PairScores) -> None:
        """Keep a scored pair, both uint8 H,W; called on the threads that score."""
        curves = np.stack([scores.curves[curve] for curve in CURVES])
        integers = np.rint(curves * STEP).clip(0, 65535).astype(np.uint16)
        others = [curve for key, curve in scores.curves.items() if key not in CURVES]
        further = np.stack(others).astype(np.float32) if others else None
        self.entries[name] = Entry(
            scores.figures, integers, thumbnail(saliency), objects_of(mask), further
        )

    def gather(self) -> Album:
        """Add the entries of the other processes."""
        for entries in of_all_processes(self.entries):
            self.entries |= entries
        return self


def thumbnail(picture: Picture) -> bytes:
    """A picture uint8 H,W,3 or a map H,W as WebP, its longer side at most SIDE pixels."""
    scale = min(SIDE / max(picture.shape[:2]), 1)
    height, width = (max(round(side * scale), 1) for side in picture.shape[:2])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    content = BytesIO()
    Image.fromarray(small).save(content, "WEBP", quality=QUALITY, method=2)
    return content.getvalue()


def values_of(entries: Sequence[Entry], choice: Choice = USUAL) -> Float32:
    """Figures and curves of each pair, n,`choice.columns`, ordered as `flatten` orders them."""
    keys = [figure.key for figure in choice.figures]
    figures = np.array([[entry.figures[key] for key in keys] for entry in entries])
    curves = np.stack([entry.curves.reshape(-1) for entry in entries]).astype(np.float32) / STEP
    further = [entry.further.reshape(1, -1) for entry in entries if entry.further is not None]
    others = [np.concatenate(further)] if further else []
    return np.concatenate([figures.astype(np.float32), curves, *others], axis=1)


def packed(entries: Sequence[Entry]) -> str:
    """The curves of all pairs for the page: base64 of deflated bytes.

    F is left out, as it follows from precision and recall. Of what remains, n x curves x 256, each
    value is stored as its step from the one before (modulo 65536): first all low bytes, then all
    high ones, which deflates to about a third.
    """
    kept = [index for index, name in enumerate(CURVES) if name != "f"]
    curves = np.stack([entry.curves[kept] for entry in entries])
    steps = np.diff(curves, axis=2, prepend=np.zeros_like(curves[:, :, :1])).reshape(-1)
    planes = np.concatenate([steps & 255, steps >> 8]).astype(np.uint8)
    return b64encode(zlib.compress(planes.tobytes(), 6)).decode()


def spread(ranked: Sequence[int], most: int) -> list[int]:
    """At most `most` of `ranked`, evenly spread over the ranks, with the first and the last."""
    if len(ranked) <= most:
        return list(ranked)
    places: Floats = np.linspace(0, len(ranked) - 1, most)
    return [ranked[place] for place in np.rint(places).astype(int)]
