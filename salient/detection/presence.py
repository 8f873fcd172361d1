"""Whether anything stands out in a picture, told from both of the network's maps."""

from __future__ import annotations

import cv2
import numpy as np

from salient.arrays import Map

LEVEL = 128  # of both maps: half
SIDE = 400  # pixels of the longer side that it is judged at


def stands_out(saliency: Map, edge: Map | None) -> bool:
    """Whether a picture's saliency map and boundary map, uint8 H,W both, agree on an object.

    A saliency map alone does not tell: of a red wall it is bright all over. So the outline of what
    is at least LEVEL in it must be confirmed by the boundary map, whose median there is at least
    LEVEL too. Nothing stands out where no pixel reaches LEVEL, nor where all do; without a boundary
    map (None) that is all that is asked.
    """
    scale = min(SIDE / max(saliency.shape), 1)
    size = [max(round(side * scale), 1) for side in saliency.shape[::-1]]
    small = cv2.resize(saliency, size, interpolation=cv2.INTER_AREA)
    mask = (small >= LEVEL).astype(np.uint8)
    outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
    if edge is None or not outline.any():
        return bool(outline.any())
    boundary = cv2.resize(edge, size, interpolation=cv2.INTER_AREA)
    return bool(np.median(boundary[outline]) >= LEVEL)
