"""Augmentation, and the only use of Albumentations (2.0.8 is its last MIT release).

When imported, Albumentations looks for a newer version on the internet unless
`NO_ALBUMENTATIONS_UPDATE=1` is in the environment; `salient train` sets it.
"""

from __future__ import annotations

from typing import Annotated

import albumentations as A
import cv2
from pydantic import Field

from salient.config import Share, checked


@checked
def training_transform(
    size: int,
    *,
    crop: Annotated[float, Field(ge=0, lt=0.5)] = 0.125,
    rotate: Annotated[float, Field(ge=0, le=180)] = 10,
    zoom: Annotated[float, Field(ge=1, le=4)] = 1,
    brightness: Share = 0.2,
    contrast: Share = 0.2,
    saturation: Share = 0.2,
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.03,
    grey: Share = 0,
    gamma: Share = 0,
    blur: Share = 0,
    sharpness: Share = 0,
    noise: Share = 0,
    jpeg: Share = 0,
) -> A.Compose:
    """The training recipe: picture H,W,3 and mask H,W (uint8) -> both size x size.

    Args:
        size: side of the square in pixels.
        crop: largest fraction of the side that is cut from each border, in [0, 0.5).
        rotate: largest rotation in degrees either way, at most 180; empty corners are mirrored.
        zoom: largest factor, 1 to 4, by which the scale is changed either way.
        brightness, contrast, saturation: largest relative change, at most 1.
        hue: largest change as a fraction of the colour circle, at most 0.5.
        grey: fraction of the pictures that lose their colours, in [0, 1].
        gamma: fraction of the pictures that get a gamma of .7 to 1.4.
        blur: fraction that is blurred by a Gaussian of .3 to 2 pixels.
        sharpness: fraction that is sharpened by .2 to .8 of the detail below 1 pixel (Gaussian).
        noise: fraction that gets Gaussian noise with a deviation of .01 to .06 of full scale.
        jpeg: fraction compressed as JPEG of quality 30 to 90. These five come last, in this order.

    Raises:
        ValueError: a value outside its range.
    """
    strengths = [(1 - x, 1 + x) for x in (brightness, contrast, saturation)]
    damages = (
        A.ToGray(p=grey),
        A.RandomGamma((70, 140), p=gamma),
        A.GaussianBlur(sigma_limit=(0.3, 2), blur_limit=0, p=blur),
        # not Sharpen: its Gaussian method subtracts in uint8 and wraps around
        A.UnsharpMask((5, 5), (1.0, 1.0), alpha=(0.2, 0.8), threshold=0, p=sharpness),
        A.GaussNoise(std_range=(0.01, 0.06), p=noise),
        A.ImageCompression(quality_range=(30, 90), p=jpeg),
    )
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
            *(transform for transform in damages if transform.p),  # p=0 would still draw a number
        ]
    )
