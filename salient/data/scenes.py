"""Shapes and surfaces of the embedded sample set, the same bit for bit on every machine.

Whatever may round differently with another processor or release is left out. Chance is the raw
stream of PCG64, which numpy promises to keep, as it does not for what `Generator` makes of it. Sine
is a table of rounded integers. Floats meet only + - * / and square roots, which IEEE 754 rounds in
one way. OpenCV is asked only for 8-bit fixed-point work: hair lines, discs, Gaussian blur,
INTER_LINEAR_EXACT; its polygons and thick lines changed with a release.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
T = TypeVar("T")

SINE = np.array([round(65536 * math.sin(math.pi * i / 2048)) for i in range(4096)])
FINE = 4  # shapes are filled on a canvas this many times finer than the picture
HOLE = -1  # the colour of a part that cuts through those before it


class Part(NamedTuple):
    """A filled polygon of an object: points N,2 (x, y down), and which of its colours it wears."""

    points: Floats
    colour: int = 0


class Dice:
    """Repeatable chance, from whole numbers that name what is drawn."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def bytes(self, *shape: int) -> Bytes:
        """Uniform 0..255, of the shape."""
        raw = np.asarray(self._bits.random_raw(math.prod(shape)))
        return (raw >> np.uint64(56)).astype(np.uint8).reshape(shape)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * (int(self._bits.random_raw()) >> 32) / 2**32

    def whole(self, low: int, high: int) -> int:
        """One of low..high, both included."""
        return low + (int(self._bits.random_raw()) >> 32) % (high - low + 1)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.whole(0, len(items) - 1)]


# Tones and textures -------------------------------------------------------------------------------


def colour(hue: float, saturation: float, value: float) -> Ints:
    """RGB 0..255 of a hue in turns; saturation and value are clipped to 0..1."""
    rgb = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return np.array([round(255 * channel) for channel in rgb], np.int32)


def blur(image: Bytes, sigma: float) -> Bytes:
    """Gaussian blur; none at sigma 0."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) if sigma else image


def mix(low: NDArray[np.integer], high: NDArray[np.integer], weight: Bytes) -> Bytes:
    """From `low` (weight 0) to `high` (255): colours 3 or pictures H,W,3 by a weight H,W."""
    share = weight[..., None].astype(np.int32)
    return ((low * (255 - share) + high * share + 127) // 255).astype(np.uint8)


def lit(image: NDArray[np.integer], gain: Ints | int) -> Bytes:
    """A picture H,W,3 or a colour times gain / 256, a number or a map H,W; clipped to 0..255."""
    return ((image * np.asarray(gain, np.int32)[..., None]) >> 8).clip(0, 255).astype(np.uint8)


def stretch(values: NDArray[np.integer]) -> Bytes:
    """The values' own range -> 0..255."""
    low, high = int(values.min()), int(values.max())
    return ((values.astype(np.int32) - low) * 255 // max(high - low, 1)).astype(np.uint8)


def noise(dice: Dice, height: int, width: int, tall: int, aspect: int = 1) -> Bytes:
    """A random field 0..255 with features `tall` pixels high and `aspect` times as wide."""
    wide = tall * aspect
    grid = dice.bytes(height // tall + 3, width // wide + 3)
    size = (grid.shape[1] * wide, grid.shape[0] * tall)
    field = np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
    return stretch(blur(field[tall:, wide:][:height, :width], min(tall / 3, 4) if tall > 4 else 0))


def moved(field: Bytes, down: int, right: int) -> Ints:
    """A field H,W shifted by at most 8 pixels; what comes in repeats its rim."""
    height, width = field.shape
    wide = np.pad(field.astype(np.int32), 8, "edge")
    return wide[8 - down :, 8 - right :][:height, :width]


def clouds(dice: Dice, height: int, width: int, tall: int, aspect: int = 1) -> Bytes:
    """Noise at three scales, each half as coarse and half as strong, 0..255."""
    scales = [noise(dice, height, width, max(tall >> i, 2), aspect) // 2**i for i in range(3)]
    return stretch(np.sum(scales, 0, dtype=np.int32))


def sine(turns: Floats) -> Floats:
    """Sine of an angle in turns: 1 is the full circle."""
    return SINE[np.rint(turns * 4096).astype(np.int64) % 4096] / 65536


def around(turn: float) -> Floats:
    """Unit vector (x, y) at an angle in turns, clockwise from the right."""
    return sine(np.array([turn + 0.25, turn]))


def ramp(dice: Dice, height: int, width: int) -> Ints:
    """Distance in 1/64 pixel along a random direction, H,W."""
    x, y = np.rint(64 * around(dice.between(0, 1))).astype(np.int32)
    return np.asarray(np.arange(width) * x + np.arange(height)[:, None] * y, np.int32)


# Shapes, about 2 units across ---------------------------------------------------------------------


def polygon(canvas: Bytes, points: Floats, value: int) -> None:
    """Set the pixels of a canvas H,W whose centres lie inside (the even-odd rule)."""
    height, width = canvas.shape
    (left, top), (right, bottom) = np.rint([points.min(0), points.max(0)]).astype(int).tolist()
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        return
    (x, y), (next_x, next_y) = points.T, np.concatenate([points[1:], points[:1]]).T
    level = np.arange(top, bottom)[:, None] + 0.5
    row, edge = np.nonzero((y <= level) != (next_y <= level))
    share = (level[row, 0] - y[edge]) / (next_y - y)[edge]
    column = np.rint(x[edge] + share * (next_x - x)[edge]).astype(int).clip(left, right) - left
    crossings = np.zeros((bottom - top, right - left + 1), np.uint8)
    np.add.at(crossings, (row, column), 1)
    inside = np.cumsum(crossings, 1, np.uint8)[:, :-1] % 2 == 1
    canvas[top:bottom, left:right][inside] = value


def fill(parts: Sequence[Part], height: int, width: int) -> tuple[Bytes, Bytes]:
    """Parts in pixels -> coverage H,W in sixteenths, and H,W which of the colours is on top."""
    canvas = np.zeros((height * FINE, width * FINE), np.uint8)
    for points, paint in parts:
        polygon(canvas, points * FINE, paint + 1)
    solid = np.minimum(canvas, 1)
    rows = np.add.reduce([solid[i::FINE] for i in range(FINE)], dtype=np.uint8)
    coverage = np.add.reduce([rows[:, i::FINE] for i in range(FINE)], dtype=np.uint8)
    corners = [canvas[i::FINE, j::FINE] for i in (0, FINE - 1) for j in (0, FINE - 1)]
    return coverage, np.asarray(np.maximum.reduce(corners).clip(1) - 1, np.uint8)


def oval(
    dice: Dice, x: float, y: float, wide: float, tall: float, turn: float = 0, wobble: float = 0
) -> Floats:
    """An ellipse by its centre and half axes, turned; made irregular by wobble."""
    angle, radius = np.arange(64) / 64, np.ones(64)
    for order in (2, 3, 4, 5, 7) if wobble else ():
        bump = dice.between(-wobble, wobble) / order
        radius = radius + bump * sine(angle * order + dice.between(0, 1))
    along, across = wide * radius * sine(angle + 0.25), tall * radius * sine(angle)
    cos, sin = around(turn)
    return np.stack([x + along * cos - across * sin, y + along * sin + across * cos], 1)


def limb(
    foot: Sequence[float] | Floats,
    turn: float,
    length: float,
    wide: float,
    tip: float,
    bend: float = 0,
) -> Floats:
    """A tapering stroke that sets off at the angle `turn` and bends; its row 9 is the tip."""
    turns = turn + bend * np.arange(9) / 8
    ahead = np.stack([sine(turns + 0.25), sine(turns)], 1)
    spine = np.array(foot) + (np.cumsum(ahead, 0) - 1.5 * ahead[:1]) * (length / 8)
    side = ahead[:, ::-1] * [-1, 1] * (wide + (tip - wide) * np.arange(9) / 8)[:, None]
    return np.concatenate([spine + side, spine[-1:] + ahead[-1:] * tip, (spine - side)[::-1]])


def _pebble(dice: Dice) -> list[Part]:
    return [Part(oval(dice, 0, 0, 1, dice.between(0.5, 1), 0, 0.5))]


def _wheel(dice: Dice) -> list[Part]:
    hole, spokes = dice.between(0.4, 0.7), dice.pick((0, 0, 3, 4, 5))
    rim = [Part(oval(dice, 0, 0, 1, 1, 0, 0.08)), Part(oval(dice, 0, 0, hole, hole), HOLE)]
    rim += [Part(limb((0, 0), i / spokes, 0.85, 0.09, 0.07), 1) for i in range(spokes)]
    return rim + [Part(oval(dice, 0, 0, 0.2, 0.2), 2)] * (spokes > 0)


def _jar(dice: Dice) -> list[Part]:
    rows = np.arange(25) / 24
    half = dice.between(0.4, 0.6) + dice.between(0.1, 0.2) * sine(rows + dice.between(-0.3, 0))
    side = np.stack([half - dice.between(0, 0.2) * (rows < 0.2), rows * 2 - 1], 1)
    body = np.concatenate([side, (side * [-1, 1])[::-1]])
    parts = []
    for x in dice.pick(((), (0.55,), (0.55,), (-0.55, 0.55))):
        parts += [Part(oval(dice, x, -0.1, 0.5, 0.5), 1), Part(oval(dice, x, -0.1, 0.3, 0.3), HOLE)]
    band = Part(body[(body[:, 1] > -0.1) & (body[:, 1] < 0.3)], dice.whole(0, 2))
    return [*parts, Part(body), band]


def _insect(dice: Dice) -> list[Part]:
    half, reach = [], dice.between(0.45, 0.7)
    for y, lean in ((-0.25, -0.09), (0.0, 0.02), (0.2, 0.1)):
        thigh = limb((0, y), lean, reach, 0.07, 0.06)
        half += [Part(thigh, 2), Part(limb(thigh[9], lean + 0.1, reach, 0.06, 0.04), 2)]
    half.append(Part(limb((0.1, -0.7), 0.81, 0.5, 0.05, 0.03, 0.12), 2))
    body = [Part(oval(dice, 0, 0.5, dice.between(0.3, 0.45), 0.6))]
    body += [Part(oval(dice, 0, -0.2, 0.28, 0.3), 1), Part(oval(dice, 0, -0.6, 0.2, 0.2), 2)]
    return [*half, *(Part(points * [-1, 1], paint) for points, paint in half), *body]


def _beast(dice: Dice) -> list[Part]:
    leg, girth, tail = dice.between(0.6, 1.1), dice.between(0.3, 0.45), dice.between(0.4, 0.9)
    parts = [Part(limb((-0.85, -0.1), 0.55, tail, 0.09, 0.05, dice.between(-0.3, 0.2)))]
    for x, paint in ((-0.75, 1), (-0.55, 0), (0.5, 1), (0.72, 0)):
        parts.append(Part(limb((x, 0.1), dice.between(0.2, 0.3), leg, 0.14, 0.08), paint))
    neck = limb((0.7, -0.1), dice.between(0.78, 0.95), dice.between(0.4, 0.8), 0.22, 0.14)
    x, y = neck[9]
    ears = [Part(limb((x - 0.05, y), turn, 0.38, 0.1, 0.03), 1) for turn in (0.72, 0.8)]
    head, eye = oval(dice, x + 0.1, y, 0.3, 0.18, 0.04), oval(dice, x + 0.1, y, 0.05, 0.05)
    trunk = Part(oval(dice, 0, 0, 1, girth, 0, 0.15))
    return [*parts, trunk, Part(neck), *ears, Part(head), Part(eye, 2)]


def _fish(dice: Dice) -> list[Part]:
    tall = dice.between(0.3, 0.6)
    fork = np.array([[-0.7, 0], [-1.4, -0.55], [-1.2, 0], [-1.4, 0.55]])
    fin = np.array([[0.3, -0.8 * tall], [-0.3, -tall - 0.35], [-0.5, -0.6 * tall]])
    body, eye = oval(dice, 0, 0, 1, tall, 0, 0.08), oval(dice, 0.68, -0.1, 0.09, 0.09)
    return [Part(fork, 1), Part(fin, 1), Part(fin * [1, -1], 1), Part(body), Part(eye, 2)]


def _branch(dice: Dice) -> list[Part]:
    wood: list[Part] = []
    leaves: list[Part] = []
    tips = [(0.0, 1.2, 0.75)]
    for level, wide in enumerate((0.15, 0.11, 0.08, 0.06)):
        grown = []
        for x, y, turn in tips:
            length = dice.between(0.55, 0.8) * (1 - level * 0.12)
            twig = limb((x, y), turn, length, wide, wide * 0.7, dice.between(-0.06, 0.06))
            wood.append(Part(twig, 1))
            x, y = twig[9]
            grown += [(x, y, turn + dice.between(*fork)) for fork in ((-0.16, -0.06), (0.06, 0.14))]
            if level > 1 and dice.whole(0, 2):
                leaves.append(Part(oval(dice, x, y, 0.24, 0.13, dice.between(0, 1), 0.2)))
        tips = grown
    return wood + leaves


def _flower(dice: Dice) -> list[Part]:
    stem = limb((0, 0), dice.between(0.2, 0.3), 1.9, 0.07, 0.08, dice.between(-0.1, 0.1))
    leaf = limb(stem[5], dice.pick((-0.05, 0.55)), 0.6, 0.2, 0.02, 0.05)
    count, wide = dice.whole(5, 10), dice.between(0.18, 0.3)
    rays = [(*(around(i / count) * 0.5), 0.5, wide, i / count, 0.1) for i in range(count)]
    petals = [Part(oval(dice, *ray)) for ray in rays]
    return [Part(stem, 2), Part(leaf, 2), *petals, Part(oval(dice, 0, 0, 0.26, 0.26), 1)]


def _chair(dice: Dice) -> list[Part]:
    bars, back = dice.whole(2, 4), dice.between(0.8, 1.1)
    feet = ((-0.5, 0.0), (0.5, 0.0), (-0.3, -0.1), (0.75, -0.1))
    parts = [Part(limb((x, y), 0.25, 1, 0.07, 0.06), 1) for x, y in feet]
    parts += [Part(limb((x, 0), 0.745, back + 0.1, 0.07, 0.07)) for x in (-0.5, 0.5)]
    parts += [Part(limb((-0.55, -back * (i + 1) / bars), 0, 1, 0.08, 0.08)) for i in range(bars)]
    seat = np.array([[-0.6, 0.1], [0.6, 0.1], [0.85, -0.12], [-0.35, -0.12]])
    return [*parts, Part(seat, 2)]


def _bird(dice: Dice) -> list[Part]:
    legs = [Part(limb((x, 0.3), 0.25, 0.6, 0.05, 0.04), 2) for x in (-0.1, 0.12)]
    tail = limb((-0.6, 0.1), dice.between(0.42, 0.55), 0.8, 0.16, 0.1)
    beak = np.array([[0.75, -0.62], [1.15, -0.48], [0.75, -0.42]])
    body, head = oval(dice, 0, 0, 0.8, 0.42, -0.04, 0.08), oval(dice, 0.6, -0.5, 0.27, 0.26)
    wing, eye = oval(dice, -0.15, 0, 0.5, 0.24, 0.03, 0.15), oval(dice, 0.68, -0.55, 0.05, 0.05)
    order = ((tail, 1), (beak, 2), (body, 0), (head, 0), (wing, 1), (eye, 2))
    return [*legs, *(Part(points, paint) for points, paint in order)]


# Each with how far it may lean, in turns: a beast stands, a wheel may lie as it likes.
SHAPES: tuple[tuple[Callable[[Dice], list[Part]], float], ...] = (
    (_beast, 0.03), (_wheel, 0.5), (_insect, 0.5), (_pebble, 0.5), (_branch, 0.08),
    (_fish, 0.1), (_jar, 0.02), (_flower, 0.06), (_chair, 0.02), (_bird, 0.04),
)  # fmt: skip


# Backgrounds: chance, height, width, three colours -> picture H,W,3 -------------------------------


def _meadow(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    image = mix(colours[0], colours[1], clouds(dice, height, width, 40))
    for i, (x, lean, shade, kind, long) in enumerate(dice.bytes(450, 5).tolist()):
        foot = (x * width // 256 + i % 2, i * height // 430)
        length = 3 + i * (long % 16 + 6) // 450
        tip = (foot[0] + (lean - 128) * length // 160, foot[1] - length)
        for beside in (0, 1)[: 1 + i // 225]:
            ends = (foot[0] + beside, foot[1]), (tip[0] + beside, tip[1])
            cv2.line(image, *ends, _tone(colours[1 + kind % 2], 150 + shade * 3 // 4))
    return image


def _horizon(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    rows, line = np.arange(height)[:, None, None], height * dice.whole(30, 65) // 100
    rise = noise(dice, 1, width, 24).astype(np.int32) * height // dice.whole(1000, 3000)
    sky = mix(colours[0], colours[0] // 3 + 165, clouds(dice, height, width, 40, 3))
    hills = np.where(rows > line - rise[..., None], (colours[0] + colours[1]) // 2, sky)
    ground = mix(colours[1] * 3 // 4, colours[2], clouds(dice, height, width, 12, 5))
    return np.where(rows > line, ground, hills).astype(np.uint8)


def _planks(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    upright, board = dice.whole(0, 1), dice.whole(24, 60)
    height, width = (width, height) if upright else (height, width)
    row = np.arange(height)[:, None]
    shift = dice.bytes(height // board + 1)[row // board].astype(np.int32)
    turns = noise(dice, height, width, 12, 8) / 48 + clouds(dice, height, width, 4, 8) / 512
    rings = np.rint(128 + 100 * sine(turns + shift / 16)).astype(np.uint8)
    gain = 215 + shift // 5 - 90 * (row % board < 2)
    image = lit(mix(colours[0], colours[1], rings), gain.astype(np.int32))
    return np.ascontiguousarray(image.transpose(1, 0, 2)) if upright else image


def _tiles(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    tall, wide = dice.whole(14, 44), dice.whole(24, 64)
    row = np.arange(height)[:, None]
    column = np.arange(width) + row // tall % 2 * dice.pick((0, wide // 2))
    tone = dice.bytes(height // tall + 1, width // wide + 2)[row // tall, column // wide] // 2
    image = mix(colours[0], colours[1], tone + clouds(dice, height, width, 8) // 2)
    joint = (row % tall < 2) | (column % wide < 2)
    return np.where(joint[..., None], colours[2] * 3 // 4, image).astype(np.uint8)


def _ripples(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    depth = np.arange(height)[:, None] * dice.between(0.03, 0.09)
    wave = sine(depth + clouds(dice, height, width, 20, 4) / dice.between(90, 200))
    return mix(colours[0], colours[1], np.rint(128 + wave * 110).astype(np.uint8))


def _bokeh(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    image = mix(colours[0], colours[1], clouds(dice, height, width, 60))
    discs = image.copy()
    for x, y, size, kind, shade in dice.bytes(dice.whole(10, 40), 5).tolist():
        centre, tone = (x * width // 256, y * height // 256), _tone(colours[kind % 3], 200 + shade)
        cv2.circle(discs, centre, 4 + size // 14, tone, -1)
    return blur(mix(image, discs, np.full((height, width), 130, np.uint8)), dice.between(1.5, 4))


def _gravel(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    image = mix(colours[0], colours[1], clouds(dice, height, width, 32))
    for x, y, size, reach, shade in dice.bytes(dice.whole(60, 350), 5).tolist():
        x, y, radius = x * width // 256, y * height // 256, 1 + size // 90
        for offset, gain in ((1, 110), (0, 170 + shade // 2)):
            for step in (0, reach // 64):
                centre = x + step + offset, y + step // 2 + offset
                cv2.circle(image, centre, radius, _tone(colours[2], gain), -1)
    return image


def _cloth(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    every, bend = dice.whole(900, 2500), noise(dice, height, width, 60).astype(np.int32)
    ways = [ramp(dice, height, width) + bend * dice.whole(5, 15) for _ in range(dice.whole(1, 2))]
    bands = np.sum([way // every % 2 * 110 for way in ways], 0)
    image = mix(colours[0], colours[1], blur(bands.astype(np.uint8), 0.8))
    return lit(image, 190 + clouds(dice, height, width, 50).astype(np.int32) // 2)


def _room(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    line = height * dice.whole(45, 75) // 100
    image = mix(colours[0], colours[0] * 4 // 5, clouds(dice, height, width, 50))
    for _ in range(dice.whole(0, 3)):
        x, y = dice.whole(0, width - 30), dice.whole(0, line - 30)
        right, bottom = x + dice.whole(16, 60), min(y + dice.whole(16, 60), line - 6)
        image[y:bottom, x:right] = lit(colours[0], 170)
        image[y + 2 : bottom - 2, x + 2 : right - 2] = lit(colours[1], dice.whole(200, 300))
    image[line - 4 :] = lit(colours[0], 170)
    image[line:] = _planks(dice, height - line, width, colours[1:])
    return image


def _tone(paint: Ints, gain: int) -> list[int]:
    return [min(channel * gain >> 8, 255) for channel in paint.tolist()]


BACKGROUNDS = (_meadow, _horizon, _planks, _tiles, _ripples, _bokeh, _gravel, _cloth, _room)
