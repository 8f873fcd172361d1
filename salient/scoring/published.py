"""Under which conventions do saved maps give published digits?

Published tables differ in how a mask becomes binary, whether a map is stretched, how a map of
another size is resized, which thresholds F uses, and which maximum of F is reported. All
combinations are tried; a figure that does not depend on a choice is computed once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from salient.arrays import Map, Mask
from salient.data.transforms import fit
from salient.devices import in_parallel
from salient.metrics.error import mean_absolute_error
from salient.metrics.measured import Floats, Measured, measure_pair
from salient.metrics.structure import structure_measure
from salient.metrics.thresholds import f_of
from salient.metrics.weighted import weighted_f_measure
from salient.scoring.sources import Prediction

FIGURES = ("MAE", "Sm", "max F", "weighted F")  # in the order in which they are published
MASKS = {"mask > 128": 128, "mask > 127": 127, "mask > 0": 0}
STRETCHED = {"map stretched": True, "map as it is": False}
MAXIMA = ("of the mean curve", "pooled", "of each picture")
Places = NDArray[np.intp]
Thresholds = Callable[[Floats], Places]  # at each threshold, the first positive byte of 0..256


def _inclusive(value: Floats) -> Places:
    return np.searchsorted((value * 255).astype(int), np.arange(256))


def _exclusive(value: Floats) -> Places:
    return np.searchsorted((value * 255).astype(int), np.arange(256), side="right")


def _steps(value: Floats) -> Places:
    return np.searchsorted(value, np.linspace(0, 1 - 1e-10, 255))


THRESHOLDS: dict[str, Thresholds] = {
    "256 thresholds, level >= t": _inclusive,
    "256 thresholds, level > t": _exclusive,
    "255 thresholds, p >= t": _steps,  # F3Net's and MINet's
}


def _rounded(saliency: Map, mask: Mask) -> tuple[Map, Mask]:
    resized = np.rint(fit(saliency.astype(np.float32), mask.shape))
    return resized.clip(0, 255).astype(np.uint8), mask


def _truncated(saliency: Map, mask: Mask) -> tuple[Map, Mask]:
    return fit(saliency.astype(np.float32), mask.shape).clip(0, 255).astype(np.uint8), mask


def _nearest(saliency: Map, mask: Mask) -> tuple[Map, Mask]:
    size = mask.shape[::-1]
    return np.asarray(cv2.resize(saliency, size, interpolation=cv2.INTER_NEAREST), np.uint8), mask


def _at_the_map(saliency: Map, mask: Mask) -> tuple[Map, Mask]:
    size = saliency.shape[::-1]
    return saliency, np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)


RESIZES = {
    "map resized in float, rounded": _rounded,
    "map resized in float, truncated": _truncated,
    "map resized by the nearest": _nearest,
    "mask resized to the map": _at_the_map,
}
SAME_SIZE = "no map resized"


class Outcome(NamedTuple):
    """The scores of a set under some conventions: the choices in words, the figures in order."""

    choices: tuple[str, ...]
    values: tuple[float, ...]

    def misses(self, published: Sequence[float | None]) -> list[float]:
        """The distance to each published figure, in units of its last digit; 0 is a match."""
        found = []
        for value, number in zip(self.values, published):
            if number is not None:
                unit = 10.0 ** -decimals(number)
                found.append(max(abs(value - number) / unit - 0.5 - 1e-6, 0.0))
        return found


def decimals(number: float) -> int:
    """The number of decimals of a published figure: at least three, as zeros may be missing."""
    return max(len(repr(number).partition(".")[2]), 3)


def outcomes(predictions: Iterable[Prediction], workers: int | None = None) -> list[Outcome]:
    """The figures of a set under every convention.

    Args:
        predictions: saved maps with the masks as stored in their files.
        workers: threads; by default one per core that this process may use.
    """
    scored = list(in_parallel(_score, predictions, workers))
    resizes = RESIZES if any(one.keys() > {SAME_SIZE} for one in map(_resizes, scored)) else ()
    found: list[Outcome] = []
    for resize in resizes or (SAME_SIZE,):
        for mask, stretched in itertools.product(MASKS, STRETCHED):
            pairs = [
                each.get((resize, mask, stretched)) or each[SAME_SIZE, mask, stretched]
                for each in scored
            ]
            found += _of_set((resize, mask, stretched), pairs)
    return found


Key = tuple[str, str, str]
Scores = tuple[float, float, float, dict[str, Floats]]  # MAE, Sm, weighted F; precision and recall


def _resizes(scores: Mapping[Key, Scores]) -> dict[str, None]:
    return dict.fromkeys(key[0] for key in scores) | {SAME_SIZE: None}


def _score(prediction: Prediction) -> dict[Key, Scores]:
    """One pair under every convention of masks and maps."""
    saliency, truth = prediction.load()
    same = saliency.shape == truth.shape
    found: dict[Key, Scores] = {}
    for resize in (SAME_SIZE,) if same else RESIZES:
        fitted, mask = (saliency, truth) if same else RESIZES[resize](saliency, truth)
        known: dict[tuple[int, bool], Scores] = {}
        for (word, threshold), (stretch, normalize) in itertools.product(
            MASKS.items(), STRETCHED.items()
        ):
            area = int(np.count_nonzero(mask > threshold))  # nested: of one area, the same mask
            if (area, normalize) not in known:
                binary = np.where(mask > threshold, 255, 0).astype(np.uint8)
                known[area, normalize] = _figures(measure_pair(fitted, binary, normalize=normalize))
            found[resize, word, stretch] = known[area, normalize]
    return found


def _figures(measured: Measured) -> Scores:
    """MAE, Sm and weighted F, and precision and recall at each kind of thresholds."""
    above = np.zeros((2, 257))
    above[:, :256] = measured.totals[:, ::-1].cumsum(axis=1)[:, ::-1]
    curves = {}
    for name, first in THRESHOLDS.items():
        false, true = above[:, first(measured.value)]
        precision = true / np.maximum(true + false, 1)
        curves[name] = np.stack([precision, true / max(measured.foreground_size, 1)])
    return (
        mean_absolute_error(measured),
        structure_measure(measured),
        weighted_f_measure(measured),
        curves,
    )


def _of_set(choices: Key, pairs: Sequence[Scores]) -> Iterator[Outcome]:
    """The means over a set, under each kind of thresholds and of maximum."""
    error, structure, weighted = (float(np.mean([pair[k] for pair in pairs])) for k in range(3))
    for name in THRESHOLDS:
        curves = np.array([pair[3][name] for pair in pairs])  # n,2,thresholds
        each = f_of(curves[:, 0], curves[:, 1])
        maxima = (
            each.mean(axis=0).max(),
            f_of(*curves.mean(axis=0)).max(),
            each.max(axis=1).mean(),
        )
        for maximum, value in zip(MAXIMA, maxima):
            words = (*choices, name, f"max F {maximum}")
            yield Outcome(words, (error, structure, float(value), weighted))


def in_words(found: Sequence[Outcome]) -> list[str]:
    """Conventions in a few lines; all combinations of some choices share one line."""
    kinds = [list(dict.fromkeys(words)) for words in zip(*(one.choices for one in found))]
    if len(found) == int(np.prod([len(kind) for kind in kinds])):
        return ["; ".join(" or ".join(kind) for kind in kinds)]
    lines: dict[str, list[Outcome]] = {}
    for one in found:
        lines.setdefault(one.choices[-1], []).append(one)
    if len(lines) == 1:
        return ["; ".join(one.choices) for one in found]
    return [line for group in lines.values() for line in in_words(group)]
