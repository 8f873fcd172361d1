"""Twelve ways to damage a picture, in three strengths each.

Where ImageNet-C has the corruption (Hendrycks and Dietterich 2019, "Benchmarking neural network
robustness to common corruptions and perturbations", section 3), the strengths are its severities
1, 3 and 5. Its pictures have 224 pixels a side, so what it states in pixels grows with the shorter
side. Fog is a sum of octaves of noise in place of its plasma.
"""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from salient.arrays import Float32, Mask, Picture
from salient.data.transforms import MASK_THRESHOLD

SIDE = 224  # of ImageNet-C's pictures
Generator = np.random.Generator
Damage = Callable[[Picture, Mask, Any, Generator], tuple[Picture, Mask]]


class Corruption(NamedTuple):
    """A damage and its parameter at three strengths, from weak to strong."""

    damage: Damage
    strengths: tuple[Any, Any, Any]


def corrupted(
    picture: Picture, mask: Mask, name: str, strength: int, seed: str
) -> tuple[Picture, Mask]:
    """A damaged picture and the mask that belongs to it.

    Args:
        picture: RGB uint8 H,W,3.
        mask: uint8 H,W.
        name: of `CORRUPTIONS`.
        strength: 1 to 3.
        seed: the name of the picture; the same damage for the same name.
    """
    corruption = CORRUPTIONS[name]
    generator = np.random.default_rng(zlib.crc32(f"{name} {strength} {seed}".encode()))
    return corruption.damage(picture, mask, corruption.strengths[strength - 1], generator)


def choose_corruptions(names: str | Sequence[str]) -> list[str]:
    """`standard`, all of them, or some by name.

    Raises:
        ValueError: no such corruption; names the nearest.
    """
    words = names.replace(" ", "").split(",") if isinstance(names, str) else list(names)
    if words == ["standard"]:
        return list(CORRUPTIONS)
    for word in words:
        if word not in CORRUPTIONS:
            near = difflib.get_close_matches(word, CORRUPTIONS, 1)
            guess = f"did you mean {near[0]}?" if near else f"standard, or {', '.join(CORRUPTIONS)}"
            raise ValueError(f"corrupt: {word}: no such corruption; {guess}")
    return words


def _of_pixels(change: Callable[[Picture, Any, Generator], Any]) -> Damage:
    """A damage that leaves the mask as it is; `change` gives values of 0..255 of any type."""

    def damage(
        picture: Picture, mask: Mask, value: Any, generator: Generator
    ) -> tuple[Picture, Mask]:
        changed = change(picture, value, generator)
        return np.rint(np.asarray(changed)).clip(0, 255).astype(np.uint8), mask

    return damage


def _noise(picture: Picture, deviation: float, generator: Generator) -> Any:
    return picture + generator.normal(0, 255 * deviation, picture.shape)


def _shot_noise(picture: Picture, photons: float, generator: Generator) -> Any:
    return generator.poisson(picture / 255 * photons) / photons * 255


def _blur(picture: Picture, deviation: float, _: Generator) -> Any:
    return cv2.GaussianBlur(picture, (0, 0), deviation * _scale(picture))


def _motion_blur(picture: Picture, value: tuple[int, float], generator: Generator) -> Any:
    """Along a line of random direction within 45 degrees of level, fading to one side."""
    radius, deviation = (number * _scale(picture) for number in value)
    steps = np.arange(int(radius) + 1)
    weights = np.exp(-(steps**2) / (2 * deviation**2))
    angle, reach = generator.uniform(-np.pi / 4, np.pi / 4), len(steps)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    rows, columns = (np.rint(steps * f(angle)).astype(int) for f in (np.sin, np.cos))
    np.add.at(kernel, (reach + rows, reach + columns), weights)
    return cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)


def _jpeg(picture: Picture, quality: int, _: Generator) -> Any:
    content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))[..., ::-1]


def _brightness(picture: Picture, added: float, _: Generator) -> Any:
    hsv = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 2] = (hsv[..., 2] + added).clip(0, 1)
    return 255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _contrast(picture: Picture, factor: float, _: Generator) -> Any:
    mean = picture.mean(axis=(0, 1), keepdims=True)
    return (picture - mean) * factor + mean


def _fog(picture: Picture, value: tuple[float, float], generator: Generator) -> Any:
    thick, decay = value
    fogged = picture / 255 + thick * _clouds(picture.shape[:2], decay, generator)[..., None]
    high = picture.max() / 255
    return 255 * fogged * high / max(high + thick, 1e-6)


def _clouds(size: Sequence[int], decay: float, generator: Generator) -> Float32:
    """Noise float32 H,W in [0, 1] whose finer octaves are weaker by `decay` each."""
    total = np.zeros(size, np.float32)
    for octave in range(1, 9):
        noise = generator.random((2**octave + 1, 2**octave + 1), np.float32)
        total += (
            cv2.resize(noise, (size[1], size[0]), interpolation=cv2.INTER_CUBIC) / decay**octave
        )
    total -= total.min()
    return np.asarray(total / max(float(total.max()), 1e-6), np.float32)


def _resize(picture: Picture, factor: float, _: Generator) -> Any:
    """Made small, as a thumbnail, and large again."""
    height, width = picture.shape[:2]
    scale = min(factor / _scale(picture), 1)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _rotate(picture: Picture, mask: Mask, quarters: int, _: Generator) -> tuple[Picture, Mask]:
    return np.rot90(picture, quarters).copy(), np.rot90(mask, quarters).copy()


def _aspect(picture: Picture, mask: Mask, factor: float, _: Generator) -> tuple[Picture, Mask]:
    """Squeezed to a narrower picture, between grey bars that keep its old width."""
    height, width = mask.shape
    narrow = max(round(width / factor), 1)
    squeezed = [
        cv2.resize(layer, (narrow, height), interpolation=method)
        for layer, method in ((picture, cv2.INTER_AREA), (mask, cv2.INTER_NEAREST))
    ]
    left = (width - narrow) // 2
    bars = (0, 0, left, width - narrow - left, cv2.BORDER_CONSTANT)
    return (
        cv2.copyMakeBorder(squeezed[0], *bars, value=(128, 128, 128)),
        cv2.copyMakeBorder(squeezed[1], *bars, value=0),
    )


def _crop(picture: Picture, mask: Mask, sides: int, _: Generator) -> tuple[Picture, Mask]:
    """Cut so that the foreground touches its nearest border, the nearest two, or all four."""
    rows, columns = (np.flatnonzero((mask > MASK_THRESHOLD).any(axis)) for axis in (1, 0))
    if not len(rows):
        return picture, mask
    height, width = mask.shape
    ends = [rows[0], height - 1 - rows[-1], columns[0], width - 1 - columns[-1]]
    kept = sorted(range(4), key=ends.__getitem__)[:sides]
    top, bottom, left, right = (int(end) if k in kept else 0 for k, end in enumerate(ends))
    part = slice(top, height - bottom), slice(left, width - right)
    return picture[part].copy(), mask[part].copy()


def _scale(picture: Picture) -> float:
    return float(min(picture.shape[:2]) / SIDE)


CORRUPTIONS = {
    "noise": Corruption(_of_pixels(_noise), (0.08, 0.18, 0.38)),  # deviation
    "shot_noise": Corruption(_of_pixels(_shot_noise), (60, 12, 3)),  # photons of a white pixel
    "blur": Corruption(_of_pixels(_blur), (1, 3, 6)),  # deviation in pixels
    "motion_blur": Corruption(_of_pixels(_motion_blur), ((10, 3), (15, 8), (20, 15))),  # pixels
    "jpeg": Corruption(_of_pixels(_jpeg), (25, 15, 7)),  # quality
    "brightness": Corruption(_of_pixels(_brightness), (0.1, 0.3, 0.5)),  # added to HSV's value
    "contrast": Corruption(_of_pixels(_contrast), (0.4, 0.2, 0.05)),  # factor
    "fog": Corruption(_of_pixels(_fog), ((1.5, 2), (2.5, 1.7), (3, 1.4))),  # thickness, decay
    "resize": Corruption(
        _of_pixels(_resize), (0.6, 0.4, 0.25)
    ),  # of 224 pixels; ImageNet-C: pixelate
    "rotate": Corruption(_rotate, (1, 2, 3)),  # quarter turns
    "aspect": Corruption(_aspect, (1.5, 2, 3)),  # factor
    "crop": Corruption(_crop, (1, 2, 4)),  # borders that the object touches
}
