"""What can be written of a picture and its map. A new mode is a function and an entry in MODES."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from salient.detection.cutout import Cutout

Array = NDArray[np.uint8]
Mode = Callable[[Array, Array, Array], Array]
MASK_LEVEL = 128  # of mode=mask: the object is where the map is at least this


def saliency_map(picture: Array, saliency: Array, edge: Array) -> Array:
    """The saliency map itself, H,W."""
    return saliency


def overlay(picture: Array, saliency: Array, edge: Array) -> Array:
    """The map as heat over the picture, RGB H,W,3."""
    heat = cv2.applyColorMap(saliency, cv2.COLORMAP_TURBO)[..., ::-1]
    mixed: Array = cv2.addWeighted(picture, 0.5, np.ascontiguousarray(heat), 0.5, 0)
    return mixed


def mask(picture: Array, saliency: Array, edge: Array) -> Array:
    """0 and 255, H,W: the object is where the map is at least MASK_LEVEL."""
    return np.where(saliency < MASK_LEVEL, 0, 255).astype(np.uint8)


def edges(picture: Array, saliency: Array, edge: Array) -> Array:
    """The boundary map, H,W, from the network's edge head."""
    return edge


# By the word of `mode=`: from a picture H,W,3, its map H,W and its boundary map H,W, all uint8.
MODES: dict[str, Mode] = {
    "map": saliency_map,
    "cutout": Cutout(),
    "overlay": overlay,
    "mask": mask,
    "edges": edges,
}
