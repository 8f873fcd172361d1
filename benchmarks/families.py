"""Compare each family of figures with PySODMetrics: largest difference, and speed of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.conditions import Line
from benchmarks.pysodmetrics import Bytes, reference_scores
from benchmarks.pysodmetrics_more import FAMILIES
from salient.data.images import read_mask
from salient.metrics import Choice, choose, score_pair
from salient.metrics.measured import Floats, measure_pair

Named = Mapping[str, float]
Reference = Callable[[Bytes, Bytes], Named]
REFUSED = (AssertionError, OverflowError, np.linalg.LinAlgError)  # what the reference cannot do


def usual(prediction: Bytes, mask: Bytes) -> Named:
    """The nine usual figures that PySODMetrics has too."""
    return reference_scores(prediction, mask)[0]


def hard_pairs() -> Iterator[tuple[Bytes, Bytes]]:
    """Empty, full and one-pixel masks, 1 x N, and constant maps; each mask with each map."""
    rng = np.random.default_rng(0)
    for shape in ((40, 50), (1, 30), (30, 1), (1, 1)):
        noise = rng.integers(0, 256, shape, dtype=np.uint8)
        empty, pixel = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        pixel[shape[0] // 2, shape[1] // 3] = 255
        halves = np.where(np.add.outer(*map(np.arange, shape)) % 20 < 10, 255, 0).astype(np.uint8)
        for mask in (empty, empty + 255, pixel, halves):
            for prediction in (noise, empty, empty + 255, empty + 90, mask, 255 - mask):
                yield prediction, mask


def real_pairs(maps: Path, masks: Path) -> Iterator[tuple[Bytes, Bytes]]:
    """Every map of a folder with the mask of its name."""
    for path in sorted(maps.iterdir()):
        yield read_mask(path), read_mask(masks / path.name)


def rows(pairs: Sequence[tuple[Bytes, Bytes]]) -> Iterator[Line]:
    """A line for each family, on one thread: both speeds on the pairs, the differences."""
    yield f"{'pairs per second, one thread':<40}{'salient':>9}{'PySODMetrics':>14}", {}
    families: dict[str, Reference] = {"the nine usual ones": usual, **FAMILIES}
    for name, reference in families.items():
        keys = sorted(reference(*pairs[0]).keys())
        known = [figure.key for figure in choose("all").figures]
        choice = choose([key for key in keys if key in known])
        of_family = Choice([f for f in choice.figures if f.key in keys], choice.curves)
        score_pair(*pairs[0], choice=choice)  # compiles
        start = time.thread_time()
        ours = [_figures(prediction, mask, of_family) for prediction, mask in pairs]
        middle = time.thread_time()
        theirs = [reference(prediction, mask) for prediction, mask in pairs]
        seconds = middle - start, time.thread_time() - middle
        worst = max(map(_difference, ours, theirs))
        hard = max(
            _hard(prediction, mask, of_family, reference) for prediction, mask in hard_pairs()
        )
        speeds = [len(pairs) / each for each in seconds]
        yield (
            f"{name:<40}{speeds[0]:>9.1f}{speeds[1]:>14.1f}{speeds[0] / speeds[1]:>7.1f}x  "
            f"{worst:.1e}, hard cases {hard:.1e}",
            {
                "what": name, "salient": speeds[0], "PySODMetrics": speeds[1],
                "difference": worst, "hard cases": hard,
            },
        )  # fmt: skip


def _figures(prediction: Bytes, mask: Bytes, choice: Choice) -> Named:
    measured = measure_pair(prediction, mask)
    return {figure.key: figure.of_pair(measured) for figure in choice.figures}


def _difference(ours: Named, theirs: Named) -> float:
    """The largest difference, except where the reference gives NaN."""
    values: Floats = np.array([[ours[key], theirs[key]] for key in ours if key in theirs])
    apart = np.abs(values[:, 0] - values[:, 1])
    return float(np.max(apart[~np.isnan(apart)], initial=0))


def _hard(prediction: Bytes, mask: Bytes, choice: Choice, reference: Reference) -> float:
    try:
        theirs: Named = reference(prediction, mask)
    except REFUSED:
        return 0.0
    return _difference(_figures(prediction, mask, choice), theirs)
