"""Every figure of a table, described once: tables, TensorBoard, CSV files and reports read it here.

A new figure is a function of a measured pair in this folder and a row below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple

from salient.metrics.error import mean_absolute_error
from salient.metrics.kernels import LEVELS
from salient.metrics.measured import ADAPTIVE, Floats, Measured
from salient.metrics.structure import structure_measure
from salient.metrics.thresholds import (
    balanced_error_rate,
    e_measure,
    f_measure,
    f_of,
    intersection_over_union,
    precision,
    recall,
)
from salient.metrics.weighted import weighted_f_measure

Curve = Callable[[Measured], Floats]  # float64 258, by the thresholds of `Measured`
MeanCurves = Mapping[str, Floats]  # the mean curves of a set by name, float64 256 each
MaxF = Literal["curve", "pooled", "image"]

CURVES: dict[str, Curve] = {  # by the level 0..255: positive where level >= t
    "precision": precision,
    "recall": recall,
    "f": f_measure,
    "e": e_measure,
}


class OfCurves(NamedTuple):
    """How a figure of a set is computed from its mean curves.

    Attributes:
        function: the figure of the mean curves.
        curves: the names of the curves it reads.
        rule: "mean", "max NAME" or "pooled" if the report can compute the figure for a selection of
            pictures (`page/figures.js`); None if it cannot.
    """

    function: Callable[[MeanCurves], float]
    curves: Sequence[str]
    rule: str | None = None


class Convention(NamedTuple):
    """One of several ways to compute a figure of a set.

    Attributes:
        words: a description for the line under a table.
        of_curves: as in `Figure`.
        headline: whether the report shows it by default.
    """

    words: str
    of_curves: OfCurves | None
    headline: bool = True


@dataclass(frozen=True, eq=False)
class Figure:
    """A number in a table.

    Attributes:
        key: its name in `results.json`, CSV files, TensorBoard and `SaliencyMetrics.compute`.
        label: its name in a table; `latex` the same for LaTeX, with its direction.
        higher_is_better: its direction.
        of_pair: its value for one pair.
        of_curves: its value for a set, from the mean curves. None: the mean of `of_pair` over the
            pairs of the set.
        headline: whether it is printed in the table next to the published figures.
        conventions: if several are in use; each has its own `of_curves`.
    """

    key: str
    label: str
    latex: str
    higher_is_better: bool
    of_pair: Callable[[Measured], float]
    of_curves: OfCurves | None = None
    headline: bool = False
    conventions: Mapping[MaxF, Convention] | None = None

    def key_under(self, convention: MaxF) -> str:
        """The key with its convention, such as `max_f_pooled`; the key if there is only one."""
        return f"{self.key}_{convention}" if self.conventions else self.key

    def under(self, convention: MaxF) -> Figure:
        """The figure under a convention; the figure itself if it has only one."""
        if not self.conventions:
            return self
        return replace(self, of_curves=self.conventions[convention].of_curves)

    def variants(self) -> list[Figure]:
        """The figure under each of its conventions, with key and label of its own."""
        if not self.conventions:
            return [self]
        return [
            replace(
                self.under(name),
                key=self.key_under(name),
                label=f"{self.label}, {name}",
                headline=each.headline,
            )
            for name, each in self.conventions.items()
        ]


def largest(curve: Curve, measured: Measured) -> float:
    """The largest value of a curve over the 256 levels."""
    return float(curve(measured)[:LEVELS].max())


def smallest(curve: Curve, measured: Measured) -> float:
    """The smallest value of a curve over the 256 levels."""
    return float(curve(measured)[:LEVELS].min())


def average(curve: Curve, measured: Measured) -> float:
    """The mean of a curve over the 256 levels."""
    return float(curve(measured)[:LEVELS].mean())


def adaptive(curve: Curve, measured: Measured) -> float:
    """A curve at the adaptive threshold."""
    return float(curve(measured)[ADAPTIVE])


def largest_of_mean(name: str) -> OfCurves:
    """The largest value of the mean curve `name`."""
    return OfCurves(partial(curve_maximum, name), [name], f"max {name}")


def average_of_mean(name: str) -> OfCurves:
    """The mean of the mean curve `name`: up to rounding, the mean of the pictures' means."""
    return OfCurves(partial(curve_mean, name), [name], "mean")


def curve_maximum(name: str, curves: MeanCurves) -> float:
    """The largest value of a mean curve."""
    return float(curves[name].max())


def curve_minimum(name: str, curves: MeanCurves) -> float:
    """The smallest value of a mean curve."""
    return float(curves[name].min())


def curve_mean(name: str, curves: MeanCurves) -> float:
    """The mean of a mean curve."""
    return float(curves[name].mean())


def pooled_f(curves: MeanCurves) -> float:
    """The largest F of the mean precision and recall."""
    return float(f_of(curves["precision"], curves["recall"]).max())


MAX_F: dict[MaxF, Convention] = {
    "curve": Convention("maximum of the mean F curve", largest_of_mean("f")),
    "pooled": Convention(
        "maximum F of the mean precision and recall",
        OfCurves(pooled_f, ["precision", "recall"], "pooled"),
    ),
    "image": Convention("mean of each picture's best F", None, headline=False),
}

FIGURES = (
    Figure("mae", "MAE", r"MAE $\downarrow$", False, mean_absolute_error, headline=True),
    Figure("sm", "Sm", r"$S_m \uparrow$", True, structure_measure, headline=True),
    Figure(
        "max_f",
        "max F",
        r"$F_\beta^{\max} \uparrow$",
        True,
        partial(largest, f_measure),
        largest_of_mean("f"),
        headline=True,
        conventions=MAX_F,
    ),
    Figure(
        "weighted_f",
        "weighted F",
        r"$F_\beta^w \uparrow$",
        True,
        weighted_f_measure,
        headline=True,
    ),
    Figure(
        "mean_f",
        "mean F",
        r"$F_\beta^{\mathrm{mean}} \uparrow$",
        True,
        partial(average, f_measure),
        average_of_mean("f"),
    ),
    Figure(
        "adaptive_f",
        "adaptive F",
        r"$F_\beta^{\mathrm{adp}} \uparrow$",
        True,
        partial(adaptive, f_measure),
    ),
    Figure(
        "max_e",
        "max E",
        r"$E_\phi^{\max} \uparrow$",
        True,
        partial(largest, e_measure),
        largest_of_mean("e"),
    ),
    Figure(
        "mean_e",
        "mean E",
        r"$E_\phi^{\mathrm{mean}} \uparrow$",
        True,
        partial(average, e_measure),
        average_of_mean("e"),
    ),
    Figure(
        "adaptive_e",
        "adaptive E",
        r"$E_\phi^{\mathrm{adp}} \uparrow$",
        True,
        partial(adaptive, e_measure),
    ),
    Figure("iou", "IoU at 128", r"IoU$_{128} \uparrow$", True, intersection_over_union),
    Figure("ber", "BER at 128", r"BER$_{128} \downarrow$", False, balanced_error_rate),
)
HEADLINE = tuple(figure for figure in FIGURES if figure.headline)
