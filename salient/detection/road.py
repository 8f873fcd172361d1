"""The only way from pictures to maps: square -> engine -> probabilities -> map.

Detector, folders, videos, scoring and validation all use this module, so each rule is written once:
the size of batches, the number of threads, how mirror images are averaged, and which probabilities
are refused. `to_map` in `salient.data.transforms` resizes a map to its picture when it is needed.
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
GPU_THREADS = 8  # most threads that decode and encode for a GPU
TOLERANCE = 1e-3  # by which 8-bit networks may leave [0, 1]


def batch_of(engine: Engine, batch_size: int) -> int:
    """How many pictures the engine processes together: one on cores, otherwise `batch_size`."""
    return 1 if engine.on_cores else batch_size


def threads_of(engine: Engine, threads: int | None = None) -> int:
    """How many threads keep the engine busy: `threads`, or one per core that may be used."""
    most = cores() if threads is None else threads
    return most if engine.on_cores else min(most, GPU_THREADS)


def in_batches(
    job: Callable[[list[S]], T], items: Iterable[S], batch: int, threads: int
) -> Iterator[T]:
    """Apply `job` to up to `batch` items at a time, on threads; results in the items' order.

    Items are requested when a thread is free, so there may be any number of them.
    """
    items = iter(items)
    return in_parallel(job, iter(lambda: list(islice(items, batch)), []), threads)


def limited(items: Iterable[S], batch: int, size: Callable[[S], int]) -> Iterator[list[S]]:
    """Up to `batch` items at a time, fewer if they are large; `size` returns an item's bytes."""
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
    """The probabilities of several pictures, which the network processes together.

    Args:
        engine: the network.
        pictures: RGB uint8 H,W,3, of any sizes. They are requested one by one, so that a large one
            does not stay in memory.
        flip: as in `detect_squares`.
        normalize: stretch each saliency map to 0..1; a constant one stays as it is.
        threads: as in `Engine.run`.

    Raises:
        ValueError: a value is not a probability.
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
    """RGB uint8 B,S,S,3 -> checked probabilities.

    Args:
        engine: the network.
        squares: pictures, resized to the engine's `size` with its `resize`.
        flip: average with the mirror images, in twice the time.
        threads: as in `Engine.run`.

    Raises:
        ValueError: a value is not a probability.
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
    """Refuse values that would give a plausible but wrong map, such as NaN, which becomes black.

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
                f"{origin}: its map has values from {low:.3g} to {high:.3g}; probabilities must be "
                "in 0..1"
            )


def stretched(saliency: Probability) -> Probability:
    """B,S,S, each map stretched to 0..1 by its own minimum and maximum, if it is not constant."""
    low, high = (f(saliency, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    span = np.where(high > low, high - low, 1)
    return np.where(high > low, (saliency - low) / span, saliency).astype(np.float32)
