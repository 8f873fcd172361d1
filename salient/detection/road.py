"""The one road from pictures to maps: square -> engine -> probabilities -> map.

Detector, folders, films, scoring and validation all take it, so each rule is here once: how many
pictures go through a network together, on how many threads, how mirror images are averaged, and
which probabilities are refused. A map is brought to its picture's size by `salient.data.transforms`
(`to_map`), when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from salient.arrays import Picture, Probabilities, Probability
from salient.data.transforms import squash
from salient.detection.engine import Engine
from salient.devices import cores, in_parallel

S = TypeVar("S")
T = TypeVar("T")
MOST_BYTES = 200_000_000  # of the pictures in a batch; larger ones go one at a time
GPU_THREADS = 8  # at most, that decode and encode for a GPU
TOLERANCE = 1e-3  # by which 8 bits may leave [0, 1]


def batch_of(engine: Engine, batch_size: int) -> int:
    """How many pictures go through the engine together: one on cores, else `batch_size`."""
    return 1 if engine.on_cores else batch_size


def threads_of(engine: Engine, threads: int | None = None) -> int:
    """How many threads keep the engine busy: `threads`, or as many as there are cores to use."""
    most = cores() if threads is None else threads
    return most if engine.on_cores else min(most, GPU_THREADS)


def in_batches(
    job: Callable[[list[S]], T], items: Iterable[S], batch: int, threads: int
) -> Iterator[T]:
    """`job` of up to `batch` items at a time, on threads; results in the items' order.

    Items are taken as threads get free, so there may be any number of them.
    """
    items = iter(items)
    return in_parallel(job, iter(lambda: list(islice(items, batch)), []), threads)


def limited(items: Iterable[S], batch: int, size: Callable[[S], int]) -> Iterator[list[S]]:
    """Up to `batch` items at a time, fewer of large ones: `size` is the bytes of an item."""
    held: list[S] = []
    for item in items:
        held.append(item)
        if len(held) == batch or sum(map(size, held)) > MOST_BYTES:
            yield held
            held = []
    if held:
        yield held


def detect_pictures(
    engine: Engine,
    pictures: Iterable[Picture],
    *,
    flip: bool = False,
    normalize: bool = False,
    threads: int | None = None,
) -> list[Probabilities]:
    """What a network finds in each of some pictures, which go through it together.

    Args:
        engine: the network.
        pictures: RGB uint8 H,W,3, of any sizes. They are taken one by one, so that a large one need
            not be held.
        flip: as in `detect_squares`.
        normalize: stretch each saliency map to 0..1; a constant one stays as it is.
        threads: as in `Engine.run`.

    Raises:
        ValueError: a probability is not one.
    """
    squares = [squash(picture, engine.size, engine.resize) for picture in pictures]
    if not squares:
        return []
    found = detect_squares(engine, np.stack(squares), flip=flip, threads=threads)
    saliency = stretched(found.saliency) if normalize else found.saliency
    edges = [None] * len(squares) if found.edge is None else found.edge
    return [Probabilities(*one) for one in zip(saliency, edges)]


def detect_squares(
    engine: Engine, squares: Picture, *, flip: bool = False, threads: int | None = None
) -> Probabilities:
    """RGB uint8 B,S,S,3 -> what a network finds, checked.

    Args:
        engine: the network.
        squares: pictures, resized to the engine's `size` by its `resize`.
        flip: average with what is found in the mirror images, in twice the time.
        threads: as in `Engine.run`.

    Raises:
        ValueError: a probability is not one.
    """
    found = engine.run(squares, threads)
    if flip:
        mirrored = engine.run(squares[:, :, ::-1], threads)
        edge = found.edge
        if edge is not None and mirrored.edge is not None:
            edge = _average(edge, mirrored.edge)
        found = Probabilities(_average(found.saliency, mirrored.saliency), edge)
    check(found, engine.origin, engine.precision)
    return found


def _average(straight: Probability, mirrored: Probability) -> Probability:
    average: Probability = (straight + mirrored[:, :, ::-1]) / np.float32(2)
    return average


def check(found: Probabilities, origin: str, precision: str = "fp32") -> None:
    """Refuse what would be saved as a plausible map, such as NaN, which becomes black.

    Raises:
        ValueError: a probability is not finite, or outside [0, 1].
    """
    for values in found:
        if values is None:
            continue
        low, high = float(values.min()), float(values.max())
        if not np.isfinite([low, high]).all():
            remedy = "; precision=fp32 may help" if precision in ("bf16", "fp16") else ""
            raise ValueError(
                f"{origin}: the network's map is not finite: its checkpoint is damaged{remedy}"
            )
        if low < -TOLERANCE or high > 1 + TOLERANCE:
            raise ValueError(
                f"{origin}: the network gives values from {low:.3g} to {high:.3g}; a probability "
                "is from 0 to 1"
            )


def stretched(saliency: Probability) -> Probability:
    """B,S,S, each map stretched to 0..1 by its own minimum and maximum, if it is not constant."""
    low, high = (f(saliency, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    span = np.where(high > low, high - low, 1)
    return np.where(high > low, (saliency - low) / span, saliency).astype(np.float32)
