"""The multi-scale IoU of Ahmadzadeh et al., "Multiscale IOU", ICIP 2021.

Of the cells with an edge of the mask, the measure takes the fraction that also have an edge of the
binary map, at ten cell sizes from 1 to 512 pixels, and the area under these ten values. As in
PySODMetrics 1.6.2, an edge is a pixel with a Sobel gradient other than 0 (outside the picture is
background), cells are counted from the right and the bottom, and 1 is added to both numbers.

The thresholds at which a pixel is an edge are a set of 256 bits, and the set of a cell is the union
over its pixels. So all thresholds cost about as much as a few.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from salient.metrics.kernels import LEVELS, MASK_THRESHOLD, compiled
from salient.metrics.measured import Bytes, Counts, Floats, Measured, adaptive_bytes, once

SCALES = 10
WORDS = 4  # of 64 bits: a set of thresholds
Sets = npt.NDArray[np.uint64]


@once
def multiscale_iou(measured: Measured) -> Floats:
    """The curve of the multi-scale IoU, 0..1, float64 258 by the thresholds of `Measured`."""
    mask = (measured.mask > MASK_THRESHOLD).astype(np.uint8)
    shared, cells = shared_cells(edge_sets(measured.prediction), edge_sets(mask))
    ratios = (shared + 1) / published(cells)[:, None]
    areas = (ratios[:-1] + ratios[1:]).sum(axis=0) / 2 / (SCALES - 1)  # by the byte 0..255, none
    value, levels = measured.value, np.arange(LEVELS)
    first = np.searchsorted((value * (LEVELS - 1)).astype(np.int64), levels)  # byte at each level
    passing = adaptive_bytes(measured.prediction, measured.totals, value), value > 0.5
    others = [int(p.argmax()) if p.any() else LEVELS for p in passing]
    return np.asarray(areas[np.concatenate([first, others]).astype(np.int64)])


def published(cells: Floats) -> Floats:
    """The divisors, cells + 1, rounded to 16-bit floats like in the reference.

    Above 2048 this moves the figure by up to 1e-4. Above 65503, where the reference divides by
    infinity, they are exact.
    """
    rounded = np.minimum(cells, 65503).astype(np.float16) + np.float16(1)
    return np.asarray(np.where(cells > 65503, cells + 1, rounded.astype(np.float64)))


@compiled
def edge_sets(levels: Bytes) -> Sets:
    """The thresholds t = 0..255 at which a pixel is an edge of `levels >= t`: uint64 H,W,WORDS."""
    height, width = levels.shape
    sets = np.zeros((height, width, WORDS), dtype=np.uint64)
    near = np.empty((3, 3), dtype=np.int64)
    for y in range(height):
        for x in range(width):
            low, high = 255, -1
            for dy in range(3):
                for dx in range(3):
                    row, column = y + dy - 1, x + dx - 1
                    inside = 0 <= row < height and 0 <= column < width
                    level = int(levels[row, column]) if inside else -1
                    near[dy, dx] = level
                    low, high = min(low, level), max(high, level)
            start = low + 1  # up to low all are positive: no edge
            while start <= high:
                stop = high  # the next level: from start to it the map is the same here
                for dy in range(3):
                    for dx in range(3):
                        if near[dy, dx] >= start:
                            stop = min(stop, near[dy, dx])
                if has_gradient(near, start):
                    for t in range(start, stop + 1):
                        sets[y, x, t >> 6] |= np.uint64(1) << np.uint64(t & 63)
                start = stop + 1
    return sets


@compiled
def has_gradient(near: Counts, t: int) -> bool:
    """Whether Sobel's gradient of `near >= t`, 3,3, is not 0."""
    across, down = 0, 0
    for k in range(3):
        weight = 2 if k == 1 else 1
        across += weight * ((near[k, 2] >= t) - np.int64(near[k, 0] >= t))
        down += weight * ((near[2, k] >= t) - np.int64(near[0, k] >= t))
    return across != 0 or down != 0


@compiled
def shared_cells(map_sets: Sets, mask_sets: Sets) -> tuple[Floats, Floats]:
    """Count the cells with an edge of both map and mask, and those with an edge of the mask.

    Args:
        map_sets: uint64 H,W,WORDS, see `edge_sets`.
        mask_sets: the same for the mask as 0 and 1; its edges are those at threshold 1.

    Returns:
        shared: float64 SCALES,257, by cell size and threshold; none at 256.
        cells: float64 SCALES.
    """
    shared, cells = np.zeros((SCALES, 257)), np.zeros(SCALES)
    one = np.uint64(1)
    for scale in range(SCALES):
        height, width = map_sets.shape[:2]
        for y in range(height):
            for x in range(width):
                if not (mask_sets[y, x, 0] >> one) & one:
                    continue
                cells[scale] += 1
                for t in range(256):
                    if (map_sets[y, x, t >> 6] >> np.uint64(t & 63)) & one:
                        shared[scale, t] += 1
        map_sets, mask_sets = halved(map_sets), halved(mask_sets)
    return shared, cells


@compiled
def halved(sets: Sets) -> Sets:
    """The unions of 2 by 2 cells, counted from the right and the bottom: ceil(H/2),ceil(W/2)."""
    height, width = sets.shape[:2]
    rows, columns = (height + 1) // 2, (width + 1) // 2
    union = np.zeros((rows, columns, WORDS), dtype=np.uint64)
    for y in range(height):
        for x in range(width):
            row, column = rows - 1 - (height - 1 - y) // 2, columns - 1 - (width - 1 - x) // 2
            for word in range(WORDS):
                union[row, column, word] |= sets[y, x, word]
    return union
