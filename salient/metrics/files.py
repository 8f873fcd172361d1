"""Score saved maps: decoded and scored in parallel, in order, a few in memory at a time."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from salient.data.images import read_mask
from salient.metrics.counted import Bytes
from salient.metrics.functional import PairScores, score_pair

T = TypeVar("T")
AHEAD = 4  # pairs in flight for each worker


def score_files(
    pairs: Sequence[tuple[Path, Path]], *, normalize: bool = True, workers: int | None = None
) -> Iterator[tuple[str, PairScores]]:
    """Score saved predictions against their mask files on all cores, in the order given.

    Decoding and the compiled loops release the interpreter's lock, so threads share the work.

    Args:
        pairs: (prediction file, mask file); see `read_mask` for the formats and `fit` for sizes.
        normalize: see `count_pair`.
        workers: threads; None takes the cores this process may use.

    Yields:
        (name, scores): the prediction file's name without its suffix, and its figures;
        `scores.resized` says that the prediction had another size than its mask.

    Raises:
        ValueError: a file cannot be read as a picture, or workers is below 1.
        FileNotFoundError: a file is missing.
    """
    jobs = (
        (Path(p).stem, partial(score_file, Path(p), Path(m), normalize=normalize)) for p, m in pairs
    )
    return in_parallel(jobs, workers)


def in_parallel(
    jobs: Iterable[tuple[str, Callable[[], T]]], workers: int | None = None
) -> Iterator[tuple[str, T]]:
    """Run named jobs on threads; yields (name, result) in their order, a few in flight at a time.

    Args:
        jobs: (name, function); taken as the threads get free, so that making them overlaps too.
        workers: threads; None takes the cores this process may use.

    Raises:
        ValueError: workers is below 1. And what a job raises.
    """
    count = cores() if workers is None else workers
    if count < 1:
        raise ValueError(f"workers is {count}; give 1 or more, or None for all cores")
    return _in_order(jobs, count)


def _in_order(jobs: Iterable[tuple[str, Callable[[], T]]], count: int) -> Iterator[tuple[str, T]]:
    waiting: deque[tuple[str, Future[T]]] = deque()
    with ThreadPoolExecutor(count) as pool:
        for name, job in jobs:
            waiting.append((name, pool.submit(job)))
            if len(waiting) >= AHEAD * count:
                first, done = waiting.popleft()
                yield first, done.result()
        for first, done in waiting:
            yield first, done.result()


def score_file(prediction: Path, mask: Path, *, normalize: bool = True) -> PairScores:
    """Score one saved prediction against its mask file; see `score_files`."""
    truth = read_mask(mask)
    grey = read_mask(prediction)
    fitted = fit(grey, truth.shape[0], truth.shape[1])
    scores = score_pair(fitted, truth, normalize=normalize)
    return scores._replace(resized=grey.shape != truth.shape)


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def fit(prediction: Bytes, height: int, width: int) -> Bytes:
    """Return the prediction at height x width: bilinear in float32, rounded half to even, uint8."""
    if prediction.shape == (height, width):
        return prediction
    resized = cv2.resize(
        prediction.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(np.rint(resized).clip(0, 255), dtype=np.uint8)
