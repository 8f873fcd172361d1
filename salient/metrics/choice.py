"""Choose which figures are computed: the usual ones, and those of `MORE` that are named."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from salient.metrics.figures import CURVES, FIGURES, HEADLINE, Curve, Figure
from salient.metrics.kernels import LEVELS
from salient.metrics.more import MORE, MORE_CURVES


@dataclass(frozen=True, eq=False)
class Choice:
    """Figures in order, and the curves that they or the reports need, by name."""

    figures: Sequence[Figure]
    curves: Mapping[str, Curve]
    shown: Sequence[Figure] = HEADLINE  # the columns of the printed table

    @property
    def columns(self) -> int:
        """Numbers of a pair: its figures, then its curves at 256 levels each."""
        return len(self.figures) + len(self.curves) * LEVELS


USUAL = Choice(FIGURES, CURVES)


def choose(names: str | Sequence[str] | None = None) -> Choice:
    """The usual figures and those named.

    Args:
        names: keys of `FIGURES` and `MORE`; "all" for all of them; None for the usual ones.

    Raises:
        ValueError: there is no such figure; the message suggests the nearest.

    Example:
        >>> [figure.key for figure in choose(["max_dice"]).figures][-1]
        'max_dice'
    """
    if not names:
        return USUAL
    known = {figure.key: figure for figure in (*FIGURES, *MORE)}
    words = names.replace(" ", "").split(",") if isinstance(names, str) else list(names)
    wanted = list(known) if words == ["all"] else words
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            guess = f"did you mean {near[0]}?" if near else f"there are all, {', '.join(known)}"
            raise ValueError(f"figures: {name}: no such figure; {guess}")
    figures = (*FIGURES, *(figure for figure in MORE if figure.key in wanted))
    read = {name for figure in figures if figure.of_curves for name in figure.of_curves.curves}
    curves = CURVES | {name: curve for name, curve in MORE_CURVES.items() if name in read}
    columns = [known[name] for name in words if name in known and known[name] not in HEADLINE]
    return Choice(figures, curves, (*HEADLINE, *columns))
