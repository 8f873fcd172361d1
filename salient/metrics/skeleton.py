"""Thinning of Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", 1984.

The paper's rule deletes lines that are two pixels wide. scikit-image's `skeletonize`, which the
reference for the human correction efforts uses, decides differently for 25 of the 256
neighbourhoods. This module follows scikit-image.
"""

from __future__ import annotations

import numpy as np

from salient.metrics.kernels import compiled
from salient.metrics.measured import Bytes

AROUND = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")  # P2 to P9 of the paper
FIRST, SECOND, BOTH = 1, 2, 3  # the passes in which a pixel is removed
OTHERWISE = {
    FIRST: "N+NW N+NE NE+E N+NE+E N+W+NW N+E+NW N+NE+W N+SW+W N+NE+SW+W S+W+NW",
    SECOND: "E+SE E+SE+S S+SW SW+W S+SW+W N+E+SE E+S+SW NE+E+S+SW SE+S+W",
    BOTH: "N+E E+S N+W S+W",
    0: "SE+S W+NW",
}


def passes() -> Bytes:
    """In which passes a pixel is removed, uint8 256 by its neighbours, AROUND[k] as bit k."""
    table = np.zeros(256, np.uint8)
    for code in range(256):
        p = [code >> k & 1 for k in range(8)]
        rises = sum(p[k] < p[(k + 1) % 8] for k in range(8))
        if 2 <= sum(p) <= 6 and rises == 1:
            north, east, south, west = p[::2]
            first = not (north and east and south) and not (east and south and west)
            second = not (north and east and west) and not (north and south and west)
            table[code] = FIRST * first + SECOND * second
    for when, patterns in OTHERWISE.items():
        for pattern in patterns.split():
            table[sum(1 << AROUND.index(name) for name in pattern.split("+"))] = when
    return table


PASSES = passes()


def skeleton(binary: Bytes) -> Bytes:
    """The skeleton, uint8 H,W of 0 and 1, of a binary map of 0 and 1."""
    return thinned(np.pad(binary, 1), PASSES)[1:-1, 1:-1]


@compiled
def thinned(image: Bytes, table: Bytes) -> Bytes:
    """The thinned image of 0 and 1; the input has a margin of 0. See `passes`."""
    changing = True
    while changing:
        changing = False
        for step in (1, 2):
            left = image.copy()
            for y in range(1, image.shape[0] - 1):
                for x in range(1, image.shape[1] - 1):
                    if image[y, x] and table[around(image, y, x)] & step:
                        left[y, x] = 0
                        changing = True
            image = left
    return image


@compiled
def around(image: Bytes, y: int, x: int) -> int:
    """The neighbours of a pixel as bits, clockwise from the one above."""
    bits: int = (
        image[y - 1, x]
        | image[y - 1, x + 1] << 1
        | image[y, x + 1] << 2
        | image[y + 1, x + 1] << 3
        | image[y + 1, x] << 4
        | image[y + 1, x - 1] << 5
        | image[y, x - 1] << 6
        | image[y - 1, x - 1] << 7
    )
    return bits
