"""Every figure of a table, described once: tables, TensorBoard, CSV files and reports read it here.

A new figure is a function of a measured pair (beside its kin in this folder) and a row below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from salient.metrics.counted import Floats
from salient.metrics.functional import (
    Measured,
    balanced_error_rate,
    f_measure,
    intersection_over_union,
    mean_absolute_error,
)
from salient.metrics.structure import structure_measure
from salient.metrics.weighted import weighted_f_measure

Curves = Mapping[str, Floats]  # the mean curves of a set: CURVES by name, float64 256 each
MaxF = Literal["curve", "pooled", "image"]

CURVES = ("precision", "recall", "f", "e")  # by the threshold 0..255: positive where level >= t


class Figure(NamedTuple):
    """A number in a table.

    Attributes:
        key: its name in `results.json`, CSV files, TensorBoard and `SaliencyMetrics.compute`.
        label: its name in a table; `latex` the same for LaTeX, with its direction.
        higher_is_better: its direction.
        of_pair: its value for one pair.
        of_curves: its value for a set, from the mean curves. Where None, it is the mean of
            `of_pair` over the set's pairs.
        headline: it stands in the table beside the published figures.
    """

    key: str
    label: str
    latex: str
    higher_is_better: bool
    of_pair: Callable[[Measured], float]
    of_curves: Callable[[Curves], float] | None = None
    headline: bool = False


FIGURES = (
    Figure(
        "mae",
        "MAE",
        r"MAE $\downarrow$",
        False,
        lambda measured: mean_absolute_error(measured.pair),
        headline=True,
    ),
    Figure(
        "sm",
        "Sm",
        r"$S_m \uparrow$",
        True,
        lambda measured: structure_measure(measured.pair),
        headline=True,
    ),
    Figure(
        "max_f",
        "max F",
        r"$F_\beta^{\max} \uparrow$",
        True,
        lambda measured: measured.f.max(),
        lambda curves: curves["f"].max(),  # other conventions: MAX_F below
        headline=True,
    ),
    Figure(
        "weighted_f",
        "weighted F",
        r"$F_\beta^w \uparrow$",
        True,
        lambda measured: weighted_f_measure(measured.pair),
        headline=True,
    ),
    Figure(
        "mean_f",
        "mean F",
        r"$F_\beta^{\mathrm{mean}} \uparrow$",
        True,
        lambda measured: measured.f.mean(),
        lambda curves: curves["f"].mean(),
    ),
    Figure(
        "adaptive_f",
        "adaptive F",
        r"$F_\beta^{\mathrm{adp}} \uparrow$",
        True,
        lambda measured: measured.adaptive_f,
    ),
    Figure(
        "max_e",
        "max E",
        r"$E_\phi^{\max} \uparrow$",
        True,
        lambda measured: measured.e.max(),
        lambda curves: curves["e"].max(),
    ),
    Figure(
        "mean_e",
        "mean E",
        r"$E_\phi^{\mathrm{mean}} \uparrow$",
        True,
        lambda measured: measured.e.mean(),
        lambda curves: curves["e"].mean(),
    ),
    Figure(
        "adaptive_e",
        "adaptive E",
        r"$E_\phi^{\mathrm{adp}} \uparrow$",
        True,
        lambda measured: measured.adaptive_e,
    ),
    Figure("iou", "IoU at 128", r"IoU$_{128} \uparrow$", True, intersection_over_union),
    Figure("ber", "BER at 128", r"BER$_{128} \downarrow$", False, balanced_error_rate),
)
HEADLINE = tuple(figure for figure in FIGURES if figure.headline)

# The maxima of F in use: what each is in words, and from the mean curves. `image`: the mean of
# `of_pair`.
MAX_F: dict[MaxF, tuple[str, Callable[[Curves], float] | None]] = {
    "curve": ("maximum of the mean F curve", lambda curves: curves["f"].max()),
    "pooled": (
        "maximum F of the mean precision and recall",
        lambda curves: f_measure(curves["precision"], curves["recall"]).max(),
    ),
    "image": ("mean of each picture's best F", None),
}
