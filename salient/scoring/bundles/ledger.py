"""Keep the exact numbers and the hashes of each scored pair, for a bundle."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from salient.arrays import Map, Mask
from salient.metrics import USUAL, Choice, PairScores
from salient.metrics.measured import Floats
from salient.metrics.scores import flatten
from salient.scoring.score import of_all_processes


class Record(NamedTuple):
    """A pair: the hashes of its map and mask, and its figures and curves, float64
    `choice.columns`, as `flatten` orders them."""

    map: str
    mask: str
    values: Floats


class Ledger:
    """The records of one method on one set, by the pairs' names: about 8 KB each."""

    def __init__(self, choice: Choice = USUAL) -> None:
        self.choice = choice
        self.records: dict[str, Record] = {}

    def add(self, name: str, saliency: Map, mask: Mask, scores: PairScores) -> None:
        """Keep a scored pair; called on the threads that score."""
        values = flatten(scores, self.choice)
        self.records[name] = Record(pixel_hash(saliency), pixel_hash(mask), values)

    def gather(self) -> Ledger:
        """Add the records of the other processes."""
        for records in of_all_processes(self.records):
            self.records |= records
        return self


def pixel_hash(picture: Map) -> str:
    """SHA-256 of the pixels of a map or mask uint8 H,W, row by row, after the text `H,W,`.

    Recompressing a file does not change it.

    Example:
        >>> import numpy as np
        >>> pixel_hash(np.zeros((1, 2), np.uint8))[:8]
        '1ed454ec'
    """
    height, width = picture.shape
    return sha256(f"{height},{width},".encode() + picture.tobytes()).hexdigest()
