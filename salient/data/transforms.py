"""What happens to a picture before the network and to a map after it. All use of Albumentations."""

from __future__ import annotations

import os
from collections.abc import Sequence

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for its version

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

cv2.setNumThreads(0)  # parallelism is the loader's: one picture a worker

MASK_THRESHOLD = 128  # foreground is above it, in every mask of this project


def training_transform(
    size: int,
    *,
    crop: float = 0.125,
    rotate: float = 10.0,
    zoom: float = 1.0,
    brightness: float = 0.2,
    contrast: float = 0.2,
    saturation: float = 0.2,
    hue: float = 0.03,
) -> A.Compose:
    """The training recipe: picture H,W,3 and mask H,W (uint8) -> both size x size.

    Args:
        size: side of the square in pixels.
        crop: largest share of the side that is cut from each border, in [0, 0.5).
        rotate: largest rotation in degrees either way; what it uncovers is mirrored.
        zoom: largest factor, at least 1, by which the scale is changed either way.
        brightness, contrast, saturation: largest relative change; hue: as a share of the circle.

    Raises:
        ValueError: a share outside its range.
    """
    if not 0 <= crop < 0.5:
        raise ValueError(f"data.augmentation.crop must be in [0, 0.5), got {crop}")
    if zoom < 1:
        raise ValueError(f"data.augmentation.zoom must be at least 1, got {zoom}")
    for name, value in {"brightness": brightness, "contrast": contrast, "hue": hue}.items():
        if not 0 <= value <= 1:
            raise ValueError(f"data.augmentation.{name} must be in [0, 1], got {value}")
    strengths = [(1 - x, 1 + x) for x in (brightness, contrast, saturation)]
    return A.Compose(
        [
            A.RandomCropFromBorders(crop, crop, crop, crop, p=1),
            A.HorizontalFlip(p=0.5),
            A.Affine(
                rotate=(-rotate, rotate),
                scale=(1 / zoom, zoom),
                mask_interpolation=cv2.INTER_LINEAR,
                border_mode=cv2.BORDER_REFLECT_101,
                p=0.5 if zoom == 1 else 0.8,
            ),
            _resize(size),
            A.ColorJitter(*strengths, hue=(-hue, hue), p=0.8),
        ]
    )


def inference_transform(size: int) -> A.Compose:
    """The recipe of scoring and detection: squashed to size x size, nothing else."""
    return A.Compose([_resize(size)])


def _resize(size: int) -> A.Resize:
    return A.Resize(
        size,
        size,
        interpolation=cv2.INTER_LINEAR,
        mask_interpolation=cv2.INTER_LINEAR,
        area_for_downscale="image_mask",  # bilinear would alias large photographs
    )


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
