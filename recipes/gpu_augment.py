"""Augment a whole batch on its device, without a loop over pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CROP = 0.15  # largest fraction that is cut from each border
TURN = 0.26  # largest rotation in radians, either way
ZOOM = 1.6  # largest factor of the scale either way, for half of the pictures
LUMA = (0.299, 0.587, 0.114)


def augment(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """RGB uint8 B,3,S,S and labels uint8 B,1,S,S -> floats in [0, 1] of the same shapes.

    Crop, flip, rotation and zoom are one resampling. Some of the pictures then get an object of
    another picture, other colours, blur or sharpness, and noise. Uses the device's generator.
    """
    both = torch.cat([images, labels], 1).float() / 255
    grid = F.affine_grid(_places(both), list(both.shape), align_corners=False)
    both = F.grid_sample(both, grid, padding_mode="reflection", align_corners=False)
    images, labels = _paste(both[:, :3], both[:, 3:])
    images = _sharpness(_colours(images))
    noise = 0.05 * _uniform(images, 0, 1) * _some(images, 0.2)
    images = images + noise * torch.randn_like(images)
    images = images.clamp(0, 1).contiguous(memory_format=torch.channels_last)
    return images, labels.clamp(0, 1)


def _uniform(like: Tensor, low: float, high: float, *shape: int) -> Tensor:
    """A number for each picture, B,1,1,1 or B and `shape`."""
    size = (len(like), *(shape or (1, 1, 1)))
    return low + (high - low) * torch.rand(size, device=like.device)


def _some(like: Tensor, share: float, *shape: int) -> Tensor:
    """1 for a fraction of the pictures, 0 for the others."""
    return (_uniform(like, 0, 1, *(shape or (1, 1, 1))) < share).float()


def _places(both: Tensor) -> Tensor:
    """Where each picture is sampled: affine matrices B,2,3 in the coordinates of `affine_grid`."""
    low, high = (_uniform(both, 0, 2 * CROP, 2) for _ in range(2))  # cut left and top, and the rest
    extent, centre = 1 - (low + high) / 2, (low - high) / 2
    zoom = ZOOM ** (_uniform(both, -1, 1, 1) * _some(both, 0.5, 1))
    extent = extent * zoom
    flip = 1 - 2 * _some(both, 0.5, 1)
    angle = _uniform(both, -TURN, TURN, 1) * _some(both, 0.5, 1)
    cosine, sine = angle.cos(), angle.sin()
    first = torch.cat([extent[:, :1] * cosine * flip, -extent[:, :1] * sine, centre[:, :1]], 1)
    second = torch.cat([extent[:, 1:] * sine * flip, extent[:, 1:] * cosine, centre[:, 1:]], 1)
    return torch.stack([first, second], 1)


def _paste(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Paste the object of the next picture into a tenth of them."""
    pasted = labels.roll(1, 0) * _some(images, 0.1)
    return torch.lerp(images, images.roll(1, 0), pasted), torch.maximum(labels, pasted)


def _colours(images: Tensor) -> Tensor:
    """Brightness, contrast, saturation, a colour cast, and no colours at all for a tenth."""
    luma = torch.tensor(LUMA, device=images.device).view(1, 3, 1, 1)
    images = images * _uniform(images, 0.6, 1.4)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = torch.lerp(mean, images, _uniform(images, 0.6, 1.4))
    grey = (images * luma).sum(1, keepdim=True)
    images = torch.lerp(grey, images, _uniform(images, 0.5, 1.5) * (1 - _some(images, 0.1)))
    return images * _uniform(images, 0.9, 1.1, 3, 1, 1)


def _sharpness(images: Tensor) -> Tensor:
    """Blur a fifth of the pictures, and sharpen a tenth."""
    row = torch.tensor([0.06, 0.24, 0.4, 0.24, 0.06], device=images.device)
    kernel = (row[:, None] * row).expand(3, 1, 5, 5)
    padded = F.pad(images, (2, 2, 2, 2), mode="replicate")
    blurred = F.conv2d(padded, kernel, groups=3)
    amount = _uniform(images, 0.3, 1) * _some(images, 0.2)
    amount = amount - _uniform(images, 0.1, 0.6) * _some(images, 0.1)
    return torch.lerp(images, blurred, amount)
