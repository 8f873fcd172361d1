"""What can be written of a picture and its map. A new mode is a function and an entry in MODES."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from salient.arrays import Drawing, Map, Picture
from salient.detection.cutout import Cutout

Mode = Callable[[Picture, Map, Map], Drawing]
MASK_LEVEL = 128  # of mode=mask: the object is where the map is at least this


def saliency_map(picture: Picture, saliency: Map, edge: Map) -> Map:
    """The saliency map itself, H,W."""
    return saliency


def overlay(picture: Picture, saliency: Map, edge: Map) -> Picture:
    """The map as heat over the picture, RGB H,W,3."""
    heat = cv2.applyColorMap(saliency, cv2.COLORMAP_TURBO)[..., ::-1]
    mixed: Picture = cv2.addWeighted(picture, 0.5, np.ascontiguousarray(heat), 0.5, 0)
    return mixed


def mask(picture: Picture, saliency: Map, edge: Map) -> Map:
    """0 and 255, H,W: the object is where the map is at least MASK_LEVEL."""
    return np.where(saliency < MASK_LEVEL, 0, 255).astype(np.uint8)


def edges(picture: Picture, saliency: Map, edge: Map) -> Map:
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
