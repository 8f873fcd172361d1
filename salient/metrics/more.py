"""Figures that are computed on request: those of PySODMetrics 1.6.2, and others.

Every quotient of the four counts (`confusion.py`) has the largest value over the levels, the mean,
and the values at the adaptive threshold and at p > 0.5. The same figures exist for the objects of a
mask, all of equal weight (`size_invariant.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from salient.metrics import confusion as quotients
from salient.metrics.boundary import boundary_iou
from salient.metrics.confusion import Confusion, confusion
from salient.metrics.context import context_measure
from salient.metrics.correction import human_correction_efforts
from salient.metrics.figures import (
    CURVES,
    FIGURES,
    Curve,
    Figure,
    OfCurves,
    adaptive,
    average,
    average_of_mean,
    curve_minimum,
    largest,
    largest_of_mean,
    smallest,
)
from salient.metrics.measured import HALF, Floats, Measured
from salient.metrics.multiscale import multiscale_iou
from salient.metrics.size_invariant import confusions, size_invariant_error

Quotient = Callable[[Confusion], Floats]
OfPair = Callable[[Curve, Measured], float]


class Quantity(NamedTuple):
    """A quotient of the four counts: its name in keys and in tables, and its direction."""

    name: str
    label: str
    higher_is_better: bool
    of: Quotient


QUANTITIES = (
    Quantity("precision", "precision", True, quotients.precision),
    Quantity("recall", "recall", True, quotients.recall),
    Quantity("specificity", "specificity", True, quotients.specificity),
    Quantity("fall_out", "fall-out", False, quotients.fall_out),
    Quantity("f", "F", True, quotients.f_measure),
    Quantity("dice", "Dice", True, quotients.dice),
    Quantity("iou", "IoU", True, quotients.jaccard),
    Quantity("accuracy", "accuracy", True, quotients.accuracy),
    Quantity("kappa", "kappa", True, quotients.kappa),
    Quantity("ber", "BER", False, quotients.balanced_error),
)


def of_whole(quotient: Quotient, measured: Measured) -> Floats:
    """A quotient over the whole picture, float64 258; computed once per pair."""
    key = partial, quotient
    if key not in measured.kept:
        measured.kept[key] = quotient(confusion(measured))
    curve: Floats = measured.kept[key]
    return curve


def of_objects(quotient: Quotient, measured: Measured) -> Floats:
    """The mean of a quotient over the mask's objects, float64 258; over the picture if none."""
    key = confusions, quotient
    if key not in measured.kept:
        objects = confusions(measured) or [confusion(measured)]
        measured.kept[key] = np.mean([quotient(each) for each in objects], axis=0)
    curve: Floats = measured.kept[key]
    return curve


def half(curve: Curve, measured: Measured) -> float:
    """A curve at p > 0.5."""
    return float(curve(measured)[HALF])


def name_of(key: str) -> str:
    """The name of a quantity's mean curve; `iou` and `ber` are figures."""
    return key if key in CURVES else f"{key}_curve"


def forms(key: str, label: str, curve: Curve, higher_is_better: bool = True) -> Iterator[Figure]:
    """One figure for each number that is taken from a curve."""
    arrow = r"\uparrow" if higher_is_better else r"\downarrow"

    def form(name: str, of_pair: OfPair, of_set: OfCurves | None) -> Figure:
        return Figure(
            f"{name}_{key}",
            f"{name} {label}",
            rf"{label}$^\mathrm{{{name}}} {arrow}$",
            higher_is_better,
            partial(of_pair, curve),
            of_set,
        )

    if not higher_is_better:
        yield form("min", smallest, OfCurves(partial(curve_minimum, name_of(key)), [name_of(key)]))
    yield form("max", largest, largest_of_mean(name_of(key))._replace(rule=None))
    yield form("mean", average, average_of_mean(name_of(key)))
    yield form("adaptive", adaptive, None)
    yield form("binary", half, None)


def table() -> tuple[tuple[Figure, ...], dict[str, Curve]]:
    """All of them, and the curves that the usual figures do not have."""
    curves: dict[str, Curve] = {}
    figures: list[Figure] = []
    for kind, of, prefix in (("", of_whole, ""), ("si_", of_objects, "size-invariant ")):
        for name, label, up, quotient in QUANTITIES:
            curve: Curve = partial(of, quotient)
            curves[name_of(f"{kind}{name}")] = curve
            figures += forms(f"{kind}{name}", f"{prefix}{label}", curve, up)
    curves[name_of("msiou")] = multiscale_iou
    figures += forms("msiou", "MSIoU", multiscale_iou)
    figures += [
        Figure("si_mae", "size-invariant MAE", r"SI-MAE $\downarrow$", False, size_invariant_error),
        Figure("boundary_iou", "boundary IoU", r"BIoU $\uparrow$", True, boundary_iou),
        Figure("hce", "HCE", r"HCE $\downarrow$", False, human_correction_efforts),
        Figure("cm", "Context-measure", r"$C_\beta \uparrow$", True, context_measure),
    ]
    usual = {figure.key for figure in FIGURES}
    more = tuple(figure for figure in figures if figure.key not in usual)
    return more, {name: curve for name, curve in curves.items() if name not in CURVES}


MORE, MORE_CURVES = table()
