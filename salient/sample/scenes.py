"""Surfaces, colours and light of the embedded sample set, the same bit for bit on every machine.

Operations that may round differently on another processor or release are avoided. Random numbers
are the raw stream of PCG64, which NumPy keeps stable, unlike the methods of `Generator`. Sine is a
table of rounded integers. Floats use only + - * / and square roots, which IEEE 754 defines exactly.
OpenCV does only 8-bit fixed-point work (hair lines, discs, Gaussian blur, INTER_LINEAR_EXACT); its
polygons and thick lines changed between releases.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from salient.arrays import Drawing

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
T = TypeVar("T")

SINE = np.array([round(65536 * math.sin(math.pi * i / 2048)) for i in range(4096)])


def sine(turns: Floats) -> Floats:
    """Sine of an angle in turns: 1 is the full circle."""
    return SINE[np.rint(turns * 4096).astype(np.int64) % 4096] / 65536


def around(turn: float) -> Floats:
    """Unit vector (x, y down) at an angle in turns, clockwise from the right."""
    return sine(np.array([turn + 0.25, turn]))


class RandomStream:
    """Repeatable random numbers, seeded with whole numbers that identify the drawing."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def bytes(self, *shape: int) -> Drawing:
        """Uniform 0..255 of a shape."""
        raw = np.asarray(self._bits.random_raw(math.prod(shape)))
        return (raw >> np.uint64(56)).astype(np.uint8).reshape(shape)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * (int(self._bits.random_raw()) >> 32) / 2**32

    def whole(self, low: int, high: int) -> int:
        """One of low..high, both included."""
        return low + (int(self._bits.random_raw()) >> 32) % (high - low + 1)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.whole(0, len(items) - 1)]


def colour(hue: float, saturation: float, value: float) -> Ints:
    """RGB 0..255 of a hue in turns; saturation and value are clipped to 0..1."""
    rgb = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return np.array([round(255 * channel) for channel in rgb], np.int32)


def blur(image: Drawing, sigma: float) -> Drawing:
    """Gaussian blur; none at sigma 0."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) if sigma else image


def mix(low: NDArray[np.integer], high: NDArray[np.integer], weight: Drawing) -> Drawing:
    """From `low` (weight 0) to `high` (255): colours 3 or pictures H,W,3 by a weight H,W."""
    share = weight[..., None].astype(np.int32)
    return ((low * (255 - share) + high * share + 127) // 255).astype(np.uint8)


def lit(image: NDArray[np.integer], gain: Ints | int) -> Drawing:
    """A picture H,W,3 or a colour times gain / 256, a number or a map H,W; clipped to 0..255."""
    return ((image * np.asarray(gain, np.int32)[..., None]) >> 8).clip(0, 255).astype(np.uint8)


def stretch(values: NDArray[np.integer]) -> Drawing:
    """Stretch the values to 0..255 by their own range."""
    low, high = int(values.min()), int(values.max())
    return ((values.astype(np.int32) - low) * 255 // max(high - low, 1)).astype(np.uint8)


class Field:
    """Random patterns of one size, H,W."""

    def __init__(self, rng: RandomStream, height: int, width: int) -> None:
        self.rng, self.height, self.width = rng, height, width
        self.row, self.column = np.arange(height)[:, None], np.arange(width)

    def noise(self, tall: int, aspect: int = 1) -> Drawing:
        """0..255 with features `tall` pixels high and `aspect` times as wide."""
        wide = tall * aspect
        grid = self.rng.bytes(self.height // tall + 3, self.width // wide + 3)
        size = (grid.shape[1] * wide, grid.shape[0] * tall)
        image = np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
        image = image[tall:, wide:][: self.height, : self.width]
        return stretch(blur(image, min(tall / 3, 4) if tall > 4 else 0))

    def clouds(self, tall: int, aspect: int = 1) -> Drawing:
        """Noise at three scales, each half as coarse and half as strong, 0..255."""
        scales = [self.noise(max(tall >> i, 2), aspect) // 2**i for i in range(3)]
        return stretch(np.sum(scales, 0, dtype=np.int32))

    def ramp(self) -> Ints:
        """Distance along a random direction, in 1/64 pixel."""
        x, y = np.rint(64 * around(self.rng.between(0, 1))).astype(np.int32)
        return np.asarray(self.column * x + self.row * y, np.int32)


# Backgrounds: a field and three colours -> a picture H,W,3 ----------------------------------------


def _meadow(field: Field, a: Ints, b: Ints, c: Ints) -> Drawing:
    image = mix(a, b, field.clouds(40))
    for i, (x, lean, shade, kind, long) in enumerate(field.rng.bytes(450, 5).tolist()):
        x, y, length = x * field.width // 256, i * field.height // 430, 3 + i * (long % 16) // 300
        for beside in (0, 1)[: 1 + i // 225]:
            ends = (x + beside, y), (x + beside + (lean - 128) * length // 160, y - length)
            cv2.line(image, *ends, lit((b, c)[kind % 2], 150 + shade * 3 // 4).tolist())
    return image


def _horizon(field: Field, a: Ints, b: Ints, c: Ints) -> Drawing:
    line, steep = field.height * field.rng.whole(30, 65) // 100, field.rng.whole(1000, 3000)
    ridge = line - field.noise(24)[:1].astype(np.int32) * field.height // steep
    sky = mix(a, a // 3 + 165, field.clouds(40, 3))
    hills = np.where((field.row > ridge)[..., None], (a + b) // 2, sky)
    ground = mix(b * 3 // 4, c, field.clouds(12, 5))
    return np.where(field.row[..., None] > line, ground, hills).astype(np.uint8)


def _planks(field: Field, a: Ints, b: Ints, c: Ints) -> Drawing:
    upright, board = field.rng.whole(0, 1), field.rng.whole(24, 60)
    if upright:
        field = Field(field.rng, field.width, field.height)
    shift = field.rng.bytes(field.height // board + 1)[field.row // board].astype(np.int32)
    turns = field.noise(12, 8) / 48 + field.clouds(4, 8) / 512 + shift / 16
    image = mix(a, b, np.rint(128 + 100 * sine(turns)).astype(np.uint8))
    image = lit(image, (215 + shift // 5 - 90 * (field.row % board < 2)).astype(np.int32))
    return np.ascontiguousarray(image.transpose(1, 0, 2)) if upright else image


def _tiles(field: Field, a: Ints, b: Ints, c: Ints) -> Drawing:
    tall, wide = field.rng.whole(14, 44), field.rng.whole(24, 64)
    row, column = field.row // tall, field.column + field.row // tall % 2 * (wide // 2)
    tone = field.rng.bytes(field.height // tall + 1, field.width // wide + 2)[row, column // wide]
    image = mix(a, b, tone // 2 + field.clouds(8) // 2)
    joint = (field.row % tall < 2) | (column % wide < 2)
    return np.where(joint[..., None], c * 3 // 4, image).astype(np.uint8)


def _ripples(field: Field, a: Ints, b: Ints, c: Ints) -> Drawing:
    turns = field.row * field.rng.between(0.03, 0.09) + field.clouds(20, 4) / 128
    return mix(a, b, np.rint(128 + 110 * sine(turns)).astype(np.uint8))


def _gravel(field: Field, a: Ints, b: Ints, c: Ints) -> Drawing:
    image, largest = mix(a, b, field.clouds(32)), field.rng.pick((3, 3, 12))
    for x, y, size, shade in field.rng.bytes(field.rng.whole(60, 300), 4).tolist():
        x, y, radius = x * field.width // 256, y * field.height // 256, 1 + size * largest // 256
        cv2.circle(image, (x + 1, y + 1), radius, lit(c, 110).tolist(), -1)
        cv2.circle(image, (x, y), radius, lit(c, 170 + shade // 2).tolist(), -1)
    return image


def _cloth(field: Field, a: Ints, b: Ints, c: Ints) -> Drawing:
    every, bend = field.rng.whole(900, 2500), field.noise(60).astype(np.int32)
    ways = [field.ramp() + bend * field.rng.whole(5, 15) for _ in range(field.rng.whole(1, 2))]
    bands = np.sum([way // every % 2 * 110 for way in ways], 0).astype(np.uint8)
    return lit(mix(a, b, blur(bands, 0.8)), 190 + field.clouds(50).astype(np.int32) // 2)


BACKGROUNDS = (_meadow, _horizon, _planks, _tiles, _ripples, _gravel, _cloth)


def background(field: Field, hue: float, value: float) -> Drawing:
    """A surface or a landscape H,W,3 in colours around a hue and a value."""
    rng = field.rng
    spread, saturation = rng.pick((0.03, 0.1, 0.25)), rng.between(0.06, 0.5)
    draws = [[rng.between(-1, 1) for _ in range(3)] for _ in range(3)]
    colours = [
        colour(hue + x * spread, saturation + y * 0.15, value + z * 0.24) for x, y, z in draws
    ]
    return rng.pick(BACKGROUNDS)(field, *colours)


# Objects: their colours, texture and light --------------------------------------------------------


def palette(rng: RandomStream, hue: float, value: float) -> list[Ints]:
    """Three colours of an object; in one picture of three they are close to the background."""
    bright = value + rng.pick((-1, 1)) * rng.between(0, 0.4)
    near, hue, saturation = hue, hue + rng.between(0.1, 0.9), rng.between(0.2, 0.85)
    step, other = rng.pick((-1, 1)) * rng.between(0.08, 0.3), rng.pick((0.0, 0.05, 0.1, 0.4))
    if rng.whole(0, 2) == 0:
        hue, bright = near + rng.between(-0.05, 0.05), value + rng.between(-0.08, 0.08)
        saturation, step = rng.between(0.15, 0.5), step / 2
    bright = min(max(bright, 0.25), 0.95)
    second = colour(hue + other, saturation - 0.1, bright + step)
    return [colour(hue, saturation, bright), second, colour(hue, saturation * 0.8, bright * 0.55)]


def _textured(field: Field, flat: Drawing, colours: Sequence[Ints]) -> Drawing:
    """Flat colours H,W,3 with a texture: mottle, spots, bands, or only grain."""
    rng, weight = field.rng, field.noise(field.rng.whole(5, 14))
    kind = rng.pick(("mottle", "spots", "bands", "grain"))
    if kind == "spots":
        weight = blur(np.where(weight > 150, 160, 0).astype(np.uint8), 0.8)
    elif kind == "bands":
        way = field.ramp() + 2 * weight.astype(np.int32)
        weight = blur((way // rng.whole(250, 700) % 2 * 160).astype(np.uint8), 0.8)
    elif kind == "grain":
        weight = weight // 6
    mixed = mix(flat, np.broadcast_to(rng.pick(colours[1:]), flat.shape), weight)
    grain = field.clouds(8).astype(np.int32) - 128
    return lit(blur(mixed, 0.5), 256 + grain * rng.whole(10, 60) // 128)


def put(
    field: Field, image: Drawing, solid: Drawing, paint: Drawing, colours: Sequence[Ints]
) -> Drawing:
    """The picture with an object in it, and the object's shadow.

    Args:
        solid: how much of each pixel the object covers, H,W in 0..255.
        paint: the index of its colour at each pixel, H,W.
    """
    rng = field.rng
    shadow = _moved(blur(solid, rng.between(2, 5)), rng.whole(2, 8), rng.whole(-8, 8))
    image = lit(image, 256 - shadow * rng.whole(0, 130) // 256)
    surface = _textured(field, np.stack(colours).astype(np.uint8)[paint], colours)
    side, fine, coarse = rng.pick((-3, 3)), blur(solid, 2), blur(solid, 6)
    slope = _moved(fine, 3, side) - fine + 3 * (_moved(coarse, 3, side) - coarse)
    surface = lit(surface, (256 - slope * rng.whole(40, 90) // 100).clip(140, 380))
    return mix(image, surface, blur(solid, rng.pick((0.0, 0.0, 0.5, 0.8))))


def _moved(field: Drawing, down: int, right: int) -> Ints:
    """A field H,W shifted by at most 8 pixels; the rim is repeated."""
    wide = np.pad(field.astype(np.int32), 8, "edge")
    return wide[8 - down :, 8 - right :][: field.shape[0], : field.shape[1]]


def photograph(field: Field, image: Drawing) -> Drawing:
    """Uneven light, and the grain of a sensor."""
    light = stretch(field.ramp()) * np.int32(field.rng.whole(0, 90)) // 255
    grain = field.rng.bytes(*image.shape).astype(np.int32) - 128
    image = lit(image, 266 - light)
    return (image + grain * field.rng.whole(1, 9) // 128).clip(0, 255).astype(np.uint8)
