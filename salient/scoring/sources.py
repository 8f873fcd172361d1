"""The maps of a set: from a network, from a folder of saved maps, or from a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from salient.arrays import Map, Mask, Probabilities
from salient.data.depth import common_white, deep_files
from salient.data.images import read_mask
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.data.transforms import to_map
from salient.detection.engine import Engine
from salient.detection.result import Result
from salient.detection.road import detect_pictures, detect_squares


class Prediction(NamedTuple):
    """The prediction for one pair: `load` returns its map uint8 h,w and the mask uint8 H,W."""

    name: str
    load: Callable[[], tuple[Map, Mask]]


def from_network(
    engine: Engine,
    pairs: Sequence[Pair],
    batch_size: int = 8,
    workers: int | None = None,
    flip: bool = False,
) -> Iterator[Prediction]:
    """The network's maps at the sizes of the masks, in the order of the pairs.

    On a CPU, the thread that scores a map also computes it. For a GPU, `workers` loader processes
    (see `loader_workers`) decode batches ahead. `flip` averages with mirror images.
    """
    if engine.on_cores:
        for pair in pairs:
            yield Prediction(pair.name, partial(_detected, engine, pair, flip))
        return
    from salient.scoring.loading import scoring_loader  # PyTorch

    loader = scoring_loader(pairs, engine.size, engine.resize, batch_size, workers)
    for batch in loader:
        squares = batch.images.permute(0, 2, 3, 1).numpy()
        found = detect_squares(engine, squares, flip=flip)
        edges = [None] * len(squares) if found.edge is None else found.edge
        for saliency, edge, mask, name in zip(found.saliency, edges, batch.masks, batch.names):
            probabilities = Probabilities(saliency, edge)
            yield Prediction(name, partial(_fitted, engine, probabilities, name, mask))


def from_files(
    maps: Sequence[Path], pairs: Sequence[Pair], white: float | None = None
) -> Iterator[Prediction]:
    """Saved maps, one for each pair; the files are read when a prediction is loaded.

    For maps of more than 8 bits, `white` is the value of white; None finds one value for all maps,
    see `common_white`.
    """
    if white is None and maps:
        white = common_white(deep_files(maps), f"maps in {maps[0].parent}")
    for saliency, pair in zip(maps, pairs, strict=True):
        yield Prediction(pair.name, partial(_read, saliency, pair, white))


def from_gaussian(pairs: Sequence[Pair]) -> Iterator[Prediction]:
    """A baseline: the same centred Gaussian for every picture.

    Its standard deviation is a quarter of each side.
    """
    for pair in pairs:
        yield Prediction(pair.name, partial(_gaussian, pair))


def _detected(engine: Engine, pair: Pair, flip: bool) -> tuple[Map, Mask]:
    (found,) = detect_pictures(engine, [read_picture(pair)], flip=flip, threads=1)
    return _fitted(engine, found, str(pair.image), read_truth(pair))


def _fitted(engine: Engine, found: Probabilities, picture: str, mask: Mask) -> tuple[Map, Mask]:
    return Result(found, mask.shape, picture, engine.quality), mask  # type: ignore[arg-type]


def _read(saliency: Path, pair: Pair, white: float | None) -> tuple[Map, Mask]:
    return read_mask(saliency, white), read_truth(pair)


def _gaussian(pair: Pair) -> tuple[Map, Mask]:
    mask = read_truth(pair)
    rows, columns = (np.exp(-8 * ((np.arange(n) + 0.5) / n - 0.5) ** 2) for n in mask.shape)
    return to_map(np.outer(rows, columns).astype(np.float32), mask.shape), mask
