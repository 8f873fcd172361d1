"""Pictures of results: curves, and rows of picture | truth | maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from salient.arrays import Picture
from salient.data.images import read_mask
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.scoring.tables import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def strip(
    rows: Sequence[tuple[Pair, Sequence[Path]]], *, height: int = 160, columns: int = 2
) -> Picture:
    """Pairs and the files of their maps -> one RGB picture, with `columns` rows side by side.

    Each row is picture | truth | a map for each method, squashed to 4:3 at `height` pixels, with a
    white gap.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("no pictures to show")
    size = (height * 4 // 3, height)
    drawn = []
    for pair, maps in rows:
        shown = (read_truth(pair), *map(read_mask, maps))
        grey = [np.repeat(x[..., None], 3, axis=2) for x in shown]
        cells = [
            cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (read_picture(pair), *grey)
        ]
        drawn.append(np.concatenate([_frame(cell) for cell in cells], axis=1))
    drawn += [np.full_like(drawn[0], 255)] * (-len(drawn) % columns)
    lines = [np.concatenate(drawn[i : i + columns], 1) for i in range(0, len(drawn), columns)]
    return np.concatenate(lines)


def draw_curves(rows: Sequence[Row]) -> Figure:
    """Precision over recall and F over the threshold, a line for each method and data set.

    The figure has a pair of plots for each data set of `rows`, which carry their curves.
    """
    from matplotlib.figure import Figure  # an extra

    datasets = list(dict.fromkeys(row.dataset for row in rows))
    figure = Figure(figsize=(9, 3.6 * len(datasets)), layout="constrained")
    axes = figure.subplots(len(datasets), 2, squeeze=False)
    for dataset, (left, right) in zip(datasets, axes):
        for row in rows:
            if row.dataset == dataset:
                curves = row.curves
                left.plot(curves["recall"], curves["precision"], label=row.method)
                right.plot(range(len(curves["f"])), curves["f"], label=row.method)
        left.set(xlabel="recall", ylabel="precision", title=dataset, xlim=(0, 1), ylim=(0, 1))
        right.set(xlabel="threshold", ylabel="F", title=dataset, xlim=(0, 255), ylim=(0, 1))
        left.legend(loc="lower left")
        for plot in (left, right):
            plot.grid(alpha=0.3)
    return figure


def _frame(cell: Picture) -> Picture:
    framed: Picture = np.pad(cell, ((2, 2), (2, 2), (0, 0)), constant_values=255)
    return framed
