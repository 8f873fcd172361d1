"""Decide whether anything stands out in a picture, from both outputs of the network."""

from __future__ import annotations

import cv2
import numpy as np

from salient.arrays import Map

LEVEL = 128  # of both maps: half
FULL = 0.98  # share of a picture: an object that covers more has nothing to stand out from
SIDE = 400  # longer side in pixels at which the maps are compared


def stands_out(saliency: Map, edge: Map | None) -> bool:
    """Whether a picture's saliency map and boundary map, uint8 H,W both, agree on an object.

    A bright saliency map is not enough: that of a red wall is bright everywhere. So along the
    outline of the saliency map at LEVEL, the median of the boundary map must be at least LEVEL too.
    Nothing stands out if no pixel reaches LEVEL, or if more than FULL of them do; without a
    boundary map (None), only this is checked.
    """
    scale = min(SIDE / max(saliency.shape), 1)
    size = [max(round(side * scale), 1) for side in saliency.shape[::-1]]
    small = cv2.resize(saliency, size, interpolation=cv2.INTER_AREA)
    mask = (small >= LEVEL).astype(np.uint8)
    if mask.mean() > FULL:
        return False
    outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
    if edge is None or not outline.any():
        return bool(outline.any())
    boundary = cv2.resize(edge, size, interpolation=cv2.INTER_AREA)
    return bool(np.median(boundary[outline]) >= LEVEL)
