"""What happens to a picture before the network and to its map after it: OpenCV alone."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

MASK_THRESHOLD = 128  # foreground is above it, in every mask of this project


def squash(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A picture or mask uint8 H,W[,3] -> size,size[,3], whatever its shape was.

    By area averages where a side shrinks (bilinear would alias large photographs), else bilinear.
    """
    height, width = picture.shape[:2]
    if (height, width) == (size, size):
        return picture
    shrinks = size < height or size < width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), dtype=np.uint8)


def fit(probability: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.float32]:
    """The network's probability h,w in [0, 1] at another size (height, width), bilinear."""
    probability = np.ascontiguousarray(probability, dtype=np.float32)
    resized = cv2.resize(probability, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.float32)


def to_bytes(probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[0, 1] -> uint8 0..255, rounded: truncating moves weighted F by .007."""
    rounded: NDArray[np.uint8] = np.rint(probability * 255).clip(0, 255).astype(np.uint8)
    return rounded


def to_map(probability: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.uint8]:
    """The network's probability h,w in [0, 1] -> the saliency map uint8 of `size` (height, width).

    Enlarged as a probability: enlarging logits instead moves weighted F by .004.
    """
    return to_bytes(fit(probability, size))


def fit_map(saliency: NDArray[np.uint8], size: Sequence[int]) -> NDArray[np.uint8]:
    """A saved map uint8 h,w at another `size` (height, width): bilinear in float32, rounded."""
    if saliency.shape == tuple(size):
        return saliency
    return np.rint(fit(saliency.astype(np.float32), size)).clip(0, 255).astype(np.uint8)
