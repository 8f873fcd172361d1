"""The output modes. A new mode is a function and an entry in MODES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np

from salient.arrays import Drawing, Map, Picture
from salient.detection.cutout import Cutout
from salient.detection.result import Result

# Of a picture H,W,3, its map H,W and its boundary H,W (None from a network without one).
Mode = Callable[[Picture, Map, Any], Drawing]
MASK_LEVEL = 128  # of mode=mask: the object is where the map is at least this


def saliency_map(picture: Picture, saliency: Map, edge: Map) -> Map:
    """The saliency map itself, H,W."""
    return saliency


def overlay(picture: Picture, saliency: Map, edge: Map) -> Picture:
    """The map as a heat map over the picture, RGB H,W,3."""
    heat = cv2.applyColorMap(saliency, cv2.COLORMAP_TURBO)[..., ::-1]
    mixed: Picture = cv2.addWeighted(picture, 0.5, np.ascontiguousarray(heat), 0.5, 0)
    return mixed


def mask(picture: Picture, saliency: Map, edge: Map) -> Map:
    """0 and 255, H,W: the object is where the map is at least MASK_LEVEL."""
    return np.where(saliency < MASK_LEVEL, 0, 255).astype(np.uint8)


def edges(picture: Picture, saliency: Map, edge: Map | None) -> Map:
    """The boundary map, H,W, from the network's edge head.

    Raises:
        ValueError: the network has none.
    """
    if edge is None:
        raise ValueError("mode=edges: this network has no edge output; choose another mode")
    return edge


class Drawn(NamedTuple):
    """The output for a picture, with the metadata that is kept.

    Attributes:
        pixels: grey H,W, RGB H,W,3 or RGBA H,W,4.
        profile, exif, dpi: see `Photo`; only a cut-out has them.
    """

    pixels: Drawing
    profile: bytes | None = None
    exif: bytes = b""
    dpi: tuple[float, float] | None = None


def draw_result(mode: Mode, result: Result) -> Drawn:
    """Draw a result in a mode."""
    photo = result.photo
    if not isinstance(mode, Cutout):
        return Drawn(mode(photo.rgb, result.saliency, result.edge_or_none))
    profile = photo.profile if mode.keeps_colours else None
    return Drawn(mode.of(photo, result.saliency), profile, photo.exif, photo.dpi)


# By the word of `mode=`.
MODES: dict[str, Mode] = {
    "map": saliency_map,
    "cutout": Cutout(),
    "overlay": overlay,
    "mask": mask,
    "edges": edges,
}
