"""Resize pictures for the network, and its maps for the picture, with OpenCV and Pillow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from PIL import Image

from salient.arrays import Drawing, Map, Probability

MASK_THRESHOLD = 128  # foreground is above it, in every mask of this project


def squash(picture: Drawing, size: int, resize: str = "area") -> Drawing:
    """A picture or mask uint8 H,W[,3] -> size,size[,3], whatever its shape was.

    Args:
        picture: the picture or mask.
        size: side of the square in pixels.
        resize: the filter that the network was trained with, a name in RESIZE.
    """
    if picture.shape[:2] == (size, size):
        return picture
    return RESIZE[resize](picture, size)


def _area(picture: Drawing, size: int) -> Drawing:
    """Area averages if a side shrinks (bilinear would alias large photos), otherwise bilinear.

    Training uses this filter.
    """
    shrinks = size < max(picture.shape[:2])
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), dtype=np.uint8)


def _pillow(picture: Drawing, size: int) -> Drawing:
    """Pillow's bilinear filter, which widens with the scale; torchvision's `Resize`."""
    return np.array(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR))


# By the name in a checkpoint's metadata. `pillow` is ModelScope's, `area` ours.
RESIZE: dict[str, Callable[[Drawing, int], Drawing]] = {
    "area": _area,
    "pillow": _pillow,
}


def fit(probability: Probability, size: Sequence[int]) -> Probability:
    """The network's probability h,w in [0, 1] at another size (height, width), bilinear."""
    probability = np.ascontiguousarray(probability, dtype=np.float32)
    resized = cv2.resize(probability, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.float32)


def to_bytes(probability: Probability) -> Map:
    """[0, 1] -> uint8 0..255, rounded: truncating moves weighted F by .007."""
    rounded: Map = np.rint(probability * 255).clip(0, 255).astype(np.uint8)
    return rounded


def to_map(probability: Probability, size: Sequence[int]) -> Map:
    """The network's probability h,w in [0, 1] -> the saliency map uint8 of `size` (height, width).

    Enlarged as a probability: enlarging logits instead moves weighted F by .004.
    """
    return to_bytes(fit(probability, size))


def fit_map(saliency: Map, size: Sequence[int]) -> Map:
    """A saved map uint8 h,w at another `size` (height, width): bilinear in float32, rounded."""
    if saliency.shape == tuple(size):
        return saliency
    return np.rint(fit(saliency.astype(np.float32), size)).clip(0, 255).astype(np.uint8)
