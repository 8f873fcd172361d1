"""What a training sample goes through: all use of Albumentations (2.0.8 is its last MIT release).

Whoever imports Albumentations without `NO_ALBUMENTATIONS_UPDATE=1` in the environment lets it ask
the network for its newest version; `salient train` sets it.
"""

from __future__ import annotations

import albumentations as A
import cv2


def training_transform(
    size: int,
    *,
    crop: float,
    rotate: float,
    zoom: float,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
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
        raise ValueError(f"loader.augmentation.crop must be in [0, 0.5), got {crop}")
    if zoom < 1:
        raise ValueError(f"loader.augmentation.zoom must be at least 1, got {zoom}")
    for name, value in {"brightness": brightness, "contrast": contrast, "hue": hue}.items():
        if not 0 <= value <= 1:
            raise ValueError(f"loader.augmentation.{name} must be in [0, 1], got {value}")
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
            A.Resize(
                size,
                size,
                interpolation=cv2.INTER_LINEAR,
                mask_interpolation=cv2.INTER_LINEAR,
                area_for_downscale="image_mask",  # as `salient.data.transforms.squash`
            ),
            A.ColorJitter(*strengths, hue=(-hue, hue), p=0.8),
        ]
    )
