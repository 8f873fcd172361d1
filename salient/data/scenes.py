"""Shapes and surfaces of the embedded sample set, the same bit for bit on every machine.

Whatever may round differently with another processor or release is left out. Chance is the raw
stream of PCG64, which numpy promises to keep, as it does not for what `Generator` makes of it. Sine
is a table of rounded integers. Floats meet only + - * /, which IEEE 754 rounds in one way. OpenCV
is asked only for its 8-bit fixed-point work: filled polygons, lines, circles, Gaussian blur,
INTER_LINEAR_EXACT.
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

FINE = 4  # samples across a pixel: shapes are filled on a canvas this many times finer
SINE = np.array([round(65536 * math.sin(math.pi * i / 2048)) for i in range(4096)])


class Part(NamedTuple):
    """A filled polygon of an object: N,2 points (x, y down), and which of its colours it wears."""

    points: Floats
    colour: int = 0  # index of the object's palette; HOLE cuts through what lies beneath


HOLE = -1


class Dice:
    """Repeatable chance, from whole numbers that name what is drawn."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def bytes(self, *shape: int) -> Bytes:
        """Uniform 0..255 of the shape."""
        raw = np.asarray(self._bits.random_raw(math.prod(shape)))
        return (raw >> np.uint64(56)).astype(np.uint8).reshape(shape)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * (int(self._bits.random_raw()) >> 32) / 2**32

    def whole(self, low: int, high: int) -> int:
        """low..high, both included."""
        return low + (int(self._bits.random_raw()) >> 32) % (high - low + 1)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.whole(0, len(items) - 1)]


# Primitives -------------------------------------------------------------------------------------


def sine(turns: Floats) -> Floats:
    """Sine of an angle in turns (1 is the full circle)."""
    return SINE[np.rint(turns * 4096).astype(np.int64) % 4096] / 65536


def around(turn: float) -> Floats:
    """Unit vector (x, y) at an angle in turns, clockwise from the right."""
    return sine(np.array([turn + 0.25, turn]))


def blur(image: Bytes, sigma: float) -> Bytes:
    """Gaussian blur; below a quarter of a pixel nothing."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) if sigma > 0.25 else image


def mix(low: NDArray[np.integer], high: NDArray[np.integer], weight: Bytes) -> Bytes:
    """From `low` (weight 0) to `high` (255); the weight H,W meets colours 3 or pictures H,W,3."""
    share = weight[..., None].astype(np.int32)
    return ((low * (255 - share) + high * share + 127) // 255).astype(np.uint8)


def lit(image: Bytes, gain: Ints | int) -> Bytes:
    """The picture H,W,3 with its brightness multiplied by gain / 256 (one number, or H,W)."""
    return np.clip((image * np.asarray(gain, np.int32)[..., None]) >> 8, 0, 255).astype(np.uint8)


def stretch(values: NDArray[np.integer]) -> Bytes:
    """Linear map of the values' range to 0..255."""
    low, high = int(values.min()), int(values.max())
    return ((values.astype(np.int32) - low) * 255 // max(high - low, 1)).astype(np.uint8)


def noise(dice: Dice, height: int, width: int, tall: int, wide: int = 0) -> Bytes:
    """Smooth random field 0..255 with features of `tall` x `wide` pixels (square without wide)."""
    wide = wide or tall
    grid = dice.bytes(height // tall + 3, width // wide + 3)
    size = (grid.shape[1] * wide, grid.shape[0] * tall)
    field = np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
    return stretch(blur(field, min(tall, wide) / 3)[tall:, wide:][:height, :width])


def clouds(dice: Dice, height: int, width: int, cell: int, aspect: int = 1) -> Bytes:
    """Noise at four scales, 0..255; features `aspect` times wider than tall."""
    total = np.zeros((height, width), np.int32)
    for octave in range(4):
        tall = max(cell >> octave, 2)
        total += noise(dice, height, width, tall, tall * aspect).astype(np.int32) >> octave
    return stretch(total)


def ramp(dice: Dice, height: int, width: int) -> Bytes:
    """A plane from 0 to 255 in a random direction."""
    x, y = around(dice.between(0, 1))
    plane = np.rint(np.arange(width) * x * 64 + np.arange(height)[:, None] * y * 64)
    return stretch(plane.astype(np.int32))


def colour(hue: float, saturation: float, value: float) -> Ints:
    """RGB 0..255 of a hue in turns; the others are clipped to [0, 1]."""
    saturation, value = min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    rgb = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return np.array([round(255 * channel) for channel in rgb], np.int32)


# Shapes, about 2 units across -------------------------------------------------------------------


def oval(
    dice: Dice, x: float, y: float, wide: float, tall: float, turn: float = 0, wobble: float = 0
) -> Floats:
    """An ellipse by its half axes, turned; wobble makes it irregular."""
    angle = np.arange(64) / 64
    radius = np.ones(64)
    for order in (2, 3, 4, 5, 7):
        bump = dice.between(-wobble, wobble) / order
        radius = radius + bump * sine(angle * order + dice.between(0, 1))
    along, across = wide * radius * sine(angle + 0.25), tall * radius * sine(angle)
    cos, sin = around(turn)
    return np.stack([x + along * cos - across * sin, y + along * sin + across * cos], 1)


def limb(
    x: float, y: float, turn: float, length: float, wide: float, tip: float, bend: float = 0
) -> tuple[Floats, tuple[float, float]]:
    """A tapering stroke that sets off at angle `turn` and turns by `bend`; also where it ends."""
    turns = turn + bend * np.arange(9) / 8
    ahead = np.stack([sine(turns + 0.25), sine(turns)], 1)
    spine = np.array([x, y]) + np.cumsum(ahead, 0) * (length / 9)
    side = ahead[:, ::-1] * [-1, 1] * (wide + (tip - wide) * np.arange(9) / 8)[:, None]
    ends = spine[:1] - ahead[:1] * wide, spine[-1:] + ahead[-1:] * tip
    outline = np.concatenate([ends[0], spine + side, ends[1], (spine - side)[::-1]])
    return outline, (float(spine[-1, 0]), float(spine[-1, 1]))


def pebble(dice: Dice) -> list[Part]:
    return [Part(oval(dice, 0, 0, 1, dice.between(0.5, 1), 0, 0.5))]


def wheel(dice: Dice) -> list[Part]:
    hole = dice.between(0.4, 0.7)
    parts = [Part(oval(dice, 0, 0, 1, 1, 0, 0.2)), Part(oval(dice, 0, 0, hole, hole), HOLE)]
    spokes = dice.pick((0, 0, 3, 4, 5))
    parts += [Part(limb(0, 0, i / spokes, 0.85, 0.09, 0.07)[0], 1) for i in range(spokes)]
    return parts + ([Part(oval(dice, 0, 0, 0.2, 0.2), 2)] if spokes else [])


def jar(dice: Dice) -> list[Part]:
    rows = np.arange(25) / 24
    half = dice.between(0.4, 0.6) + dice.between(0.1, 0.2) * sine(rows + dice.between(-0.3, 0))
    half = half - dice.between(0, 0.25) * (rows < 0.2)
    sides = np.stack([half, rows * 2 - 1], 1)
    body = np.concatenate([sides, (sides * [-1, 1])[::-1]])
    parts: list[Part] = []
    for side in dice.pick(((), (1,), (1,), (-1, 1))):
        parts.append(Part(oval(dice, side * 0.55, -0.1, 0.5, 0.5), 1))
        parts.append(Part(oval(dice, side * 0.55, -0.1, 0.32, 0.34), HOLE))
    band = body[(body[:, 1] > -0.1) & (body[:, 1] < 0.3)]
    return [*parts, Part(body), Part(band, dice.pick((0, 1, 2)))]


def insect(dice: Dice) -> list[Part]:
    parts, reach = [], dice.between(0.45, 0.7)
    for side in (-1, 1):
        for y, lean in ((-0.25, -0.09), (0.0, 0.02), (0.2, 0.1)):
            turn = lean if side > 0 else 0.5 - lean
            knee, (kx, ky) = limb(0, y, turn, reach, 0.06, 0.05)
            parts += [Part(knee, 2), Part(limb(kx, ky, turn + side * 0.1, reach, 0.05, 0.03)[0], 2)]
        feeler = limb(side * 0.1, -0.7, 0.75 + side * 0.06, 0.5, 0.04, 0.025, side * 0.12)
        parts.append(Part(feeler[0], 2))
    parts.append(Part(oval(dice, 0, 0.5, dice.between(0.3, 0.45), 0.6), 0))
    return [*parts, Part(oval(dice, 0, -0.2, 0.28, 0.3), 1), Part(oval(dice, 0, -0.6, 0.2, 0.2), 2)]


def beast(dice: Dice) -> list[Part]:
    leg, girth = dice.between(0.6, 1.1), dice.between(0.3, 0.45)
    tail = limb(-0.85, -0.1, 0.55, dice.between(0.4, 0.9), 0.09, 0.04, dice.between(-0.3, 0.2))
    parts = [Part(tail[0])]
    for x, back in ((-0.75, 1), (-0.55, 0), (0.5, 1), (0.72, 0)):
        shin = limb(x, 0.1, 0.25 + dice.between(-0.05, 0.05), leg, 0.14, 0.08)
        parts.append(Part(shin[0], back))
    neck, (x, y) = limb(0.7, -0.1, dice.between(0.78, 0.95), dice.between(0.4, 0.8), 0.22, 0.14)
    ears = [Part(limb(x - 0.05, y, t, 0.38, 0.1, 0.03)[0], 1) for t in (0.72, 0.8)]
    head = [Part(oval(dice, x + 0.1, y, 0.3, 0.18, 0.04)), Part(oval(dice, x + 0.1, y, 0.04, 0.04), 2)]
    return [*parts, Part(oval(dice, 0, 0, 1, girth, 0, 0.15)), Part(neck), *ears, *head]


def fish(dice: Dice) -> list[Part]:
    tall = dice.between(0.3, 0.6)
    fork = np.array([[-0.7, 0], [-1.4, -0.55], [-1.2, 0], [-1.4, 0.55]])
    fin = np.array([[0.3, -0.8 * tall], [-0.3, -tall - 0.35], [-0.5, -0.6 * tall]])
    body = Part(oval(dice, 0, 0, 1, tall, 0, 0.08))
    eye = [Part(oval(dice, 0.68, -0.1, 0.09, 0.09), 2), Part(oval(dice, 0.69, -0.1, 0.04, 0.04), 1)]
    return [Part(fork, 1), Part(fin, 1), Part(fin * [1, -1], 1), body, *eye]


def branch(dice: Dice) -> list[Part]:
    parts, leaves, tips = [], [], [(0.0, 1.2, 0.75, 0.14)]
    for level in range(4):
        grown = []
        for x, y, turn, wide in tips:
            length = dice.between(0.55, 0.8) * (1 - level * 0.12)
            wood, (ex, ey) = limb(x, y, turn, length, wide, wide * 0.7, dice.between(-0.06, 0.06))
            parts.append(Part(wood, 1))
            for lean in (-0.1, 0.09) if level < 3 else ():
                grown.append((ex, ey, turn + lean * dice.between(0.6, 1.6), wide * 0.68))
            if level > 1 and dice.whole(0, 2):
                leaves.append(Part(oval(dice, ex, ey, 0.22, 0.11, dice.between(0, 1), 0.2), 0))
        tips = grown
    return parts + leaves


def flower(dice: Dice) -> list[Part]:
    stem, _ = limb(0, 0, dice.between(0.2, 0.3), 1.9, 0.06, 0.07, dice.between(-0.1, 0.1))
    leaf = oval(dice, dice.pick((-0.3, 0.3)), 1.2, 0.4, 0.14, dice.between(0, 1))
    count, wide = dice.whole(5, 10), dice.between(0.18, 0.3)
    parts = [Part(stem, 2), Part(leaf, 2)]
    for i in range(count):
        x, y = around(i / count) * 0.5
        parts.append(Part(oval(dice, x, y, 0.5, wide, i / count, 0.1), 0))
    return [*parts, Part(oval(dice, 0, 0, 0.26, 0.26), 1)]


def butterfly(dice: Dice) -> list[Part]:
    upper = oval(dice, 0.6, -0.4, 0.65, 0.42, dice.between(-0.15, -0.05), 0.4)
    lower = oval(dice, 0.45, 0.4, 0.5, 0.35, dice.between(0.05, 0.15), 0.4)
    spot = oval(dice, 0.7, -0.45, 0.2, 0.16)
    wings = [Part(w, c) for w, c in ((lower, 1), (upper, 0), (spot, 2))]
    feeler = limb(0, -0.5, 0.79, 0.55, 0.035, 0.025, 0.06)[0]
    both = [*wings, Part(feeler, 2)]
    mirrored = [Part(part.points * [-1, 1], part.colour) for part in both]
    return [*both, *mirrored, Part(oval(dice, 0, 0, 0.1, 0.65), 2)]


def chair(dice: Dice) -> list[Part]:
    bars, back = dice.whole(2, 4), dice.between(0.8, 1.1)
    legs = [(-0.5, 0.0), (0.5, 0.0), (-0.3, -0.1), (0.75, -0.1)]
    parts = [Part(limb(x, y, 0.25, 1, 0.07, 0.05)[0], 1) for x, y in legs]
    posts = [limb(x, 0, 0.745, back + 0.1, 0.06, 0.06)[0] for x in (-0.5, 0.5)]
    rails = [limb(-0.5, -back * (i + 1) / bars, 0, 1.0, 0.08, 0.08)[0] for i in range(bars)]
    seat = np.array([[-0.6, 0.1], [0.6, 0.1], [0.85, -0.12], [-0.35, -0.12]])
    return [*parts, *(Part(p) for p in [*posts, *rails]), Part(seat, 2)]


def bird(dice: Dice) -> list[Part]:
    legs = [Part(limb(x, 0.3, 0.25, 0.6, 0.04, 0.03)[0], 2) for x in (-0.1, 0.12)]
    tail = limb(-0.6, 0.1, dice.between(0.42, 0.55), 0.8, 0.16, 0.1)[0]
    beak = np.array([[0.75, -0.62], [1.15, -0.48], [0.75, -0.42]])
    wing = oval(dice, -0.15, 0.0, 0.5, 0.24, 0.03, 0.15)
    body, head = oval(dice, 0, 0, 0.8, 0.42, -0.04, 0.08), oval(dice, 0.6, -0.5, 0.27, 0.26)
    eye = oval(dice, 0.68, -0.55, 0.05, 0.05)
    order = ((tail, 1), (beak, 2), (body, 0), (head, 0), (wing, 1), (eye, 2))
    return [*legs, *(Part(points, paint) for points, paint in order)]


# Each with the largest angle it may lean by, in turns: a beast stands, a wheel may lie as it likes.
SHAPES: tuple[tuple[Callable[[Dice], list[Part]], float], ...] = (
    (beast, 0.03), (wheel, 0.5), (insect, 0.5), (pebble, 0.5), (branch, 0.08), (fish, 0.1),
    (jar, 0.02), (flower, 0.06), (butterfly, 0.2), (chair, 0.02), (bird, 0.04),
)  # fmt: skip


def fill(parts: Sequence[Part], height: int, width: int) -> tuple[Bytes, Bytes]:
    """Parts in pixels -> coverage H,W in 0..16 sixteenths and the palette index H,W on top."""
    canvas = np.zeros((height * FINE, width * FINE), np.uint8)
    for points, paint in parts:
        cv2.fillPoly(canvas, [np.rint(points * FINE).astype(np.int32)], paint + 1)
    solid = np.minimum(canvas, 1)
    rows = sum((solid[i::FINE] for i in range(1, FINE)), solid[::FINE])
    coverage = sum((rows[:, i::FINE] for i in range(1, FINE)), rows[:, ::FINE])
    tops = [canvas[i::FINE, j::FINE] for i in range(0, FINE, 3) for j in range(0, FINE, 3)]
    return np.asarray(coverage), np.asarray(np.maximum.reduce(tops), np.uint8).clip(1) - np.uint8(1)



# Backgrounds: (chance, height, width, three colours) -> picture H,W,3 ---------------------------


def meadow(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    image = mix(colours[0], colours[1], clouds(dice, height, width, 40))
    for y, (x, where, lean, shade, kind, long) in enumerate(dice.bytes(420, 6).tolist()):
        row = (y * height) // 400
        start = (x * width // 256 + where % 8, row)
        length = 3 + (row * (long % 16 + 6)) // height
        end = (start[0] + (lean - 128) * length // 160, row - length)
        tone = colours[kind % 2 + 1] * (150 + shade * 3 // 4) // 256
        cv2.line(image, start, end, tone.clip(0, 255).tolist(), 1 + row * 2 // height)
    return blur(image, 0.6)


def horizon(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    rows = np.arange(height)[:, None]
    sky = mix(colours[0], colours[0] // 3 + 165, clouds(dice, height, width, 40, 3))
    line = height * dice.whole(30, 65) // 100
    ridge = line - noise(dice, 1, width, 24).astype(np.int32) * height // dice.whole(1000, 3000)
    hills = mix(colours[0], colours[1], np.full((height, width), dice.whole(90, 180), np.uint8))
    near = colours[1] * 3 // 4
    ground = mix(near, colours[2], clouds(dice, height, width, 12, 5))
    image = np.where((rows > ridge)[..., None], blur(hills, 1), sky)
    return np.where((rows > line)[..., None], ground, image).astype(np.uint8)


def planks(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    board = dice.whole(24, 60)
    index = np.arange(height) // board
    shift = dice.bytes(index[-1] + 1)[index].astype(np.float64)[:, None]
    grain = noise(dice, height, width, 12, 96) / 48 + shift / 16
    rings = 128 + 100 * sine(grain + clouds(dice, height, width, 4, 8) / 512)
    image = mix(colours[0], colours[1], np.rint(rings).astype(np.uint8))
    gain = 215 + np.rint(shift / 5).astype(np.int32) - 90 * (np.arange(height) % board < 2)[:, None]
    image = lit(image, np.broadcast_to(gain, (height, width)))
    return image if dice.whole(0, 1) else np.ascontiguousarray(_turned(image, height, width))


def _turned(image: Bytes, height: int, width: int) -> Bytes:
    tiled = np.concatenate([image, image[::-1]], 0)[:width]
    tiled = np.concatenate([tiled, tiled[:, ::-1]], 1)[:, :height]
    return tiled.transpose(1, 0, 2)


def tiles(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    tall, wide = dice.whole(14, 44), dice.whole(24, 64)
    row = np.arange(height)[:, None] // tall
    column = (np.arange(width) + row % 2 * (wide // 2) * dice.whole(0, 1)) // wide
    tone = dice.bytes(height // tall + 2, width // wide + 3)[row, column]
    speckle = clouds(dice, height, width, 8).astype(np.int32)
    image = mix(colours[0], colours[1], ((tone.astype(np.int32) + speckle) // 2).astype(np.uint8))
    offset = (np.arange(width) + row % 2 * (wide // 2)) % wide
    joint = (np.arange(height)[:, None] % tall < 2) | ((offset < 2) & (column >= 0))
    return np.where(joint[..., None], colours[2] * 3 // 4, image).astype(np.uint8)


def ripples(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    depth = np.arange(height)[:, None] * (dice.between(0.03, 0.09))
    wave = sine(depth + clouds(dice, height, width, 20, 4) / dice.between(90, 200))
    image = mix(colours[0], colours[1], np.rint(128 + wave * 110).astype(np.uint8))
    return mix(image, np.broadcast_to(colours[2], image.shape), ramp(dice, height, width) // 2)


def bokeh(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    image = mix(colours[0], colours[1], clouds(dice, height, width, 60))
    for x, y, size, kind, shade in dice.bytes(dice.whole(10, 40), 5).tolist():
        disc = image.copy()
        tone = (colours[kind % 3] * (180 + shade * 2 // 3) // 256).clip(0, 255).tolist()
        cv2.circle(disc, (x * width // 256, y * height // 256), 4 + size // 14, tone, -1)
        image = mix(image, disc, np.full((height, width), 60 + shade // 3, np.uint8))
    return blur(image, dice.between(1.5, 4))


def gravel(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    image = mix(colours[0], colours[1], clouds(dice, height, width, 32))
    for x, y, wide, tall, shade in dice.bytes(dice.whole(60, 400), 5).tolist():
        centre, axes = (x * width // 256, y * height // 256), (1 + wide // 52, 1 + tall // 80)
        dark, light = ((colours[2] * k // 256).clip(0, 255).tolist() for k in (110, 150 + shade // 2))
        cv2.ellipse(image, (centre[0] + 1, centre[1] + 1), axes, wide, 0, 360, dark, -1)
        cv2.ellipse(image, centre, axes, wide, 0, 360, light, -1)
    return blur(image, 0.5)


def cloth(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    x, y = around(dice.between(0, 1))
    bend = noise(dice, height, width, 60).astype(np.float64)
    along = np.arange(width) * x + np.arange(height)[:, None] * y + bend / dice.between(4, 12)
    across = np.arange(height)[:, None] * x - np.arange(width) * y + bend / 8
    every, both = dice.between(14, 40), dice.whole(0, 1)
    check = (sine(along / every) > 0.3) * 110 + both * (sine(across / every) > 0.3) * 110
    image = mix(colours[0], colours[1], blur(check.astype(np.uint8), 0.8))
    return lit(image, 190 + clouds(dice, height, width, 50).astype(np.int32) // 2)


def room(dice: Dice, height: int, width: int, colours: Sequence[Ints]) -> Bytes:
    line = height * dice.whole(45, 75) // 100
    wall = mix(colours[0], colours[0] * 4 // 5, clouds(dice, height, width, 50))
    for _ in range(dice.whole(0, 3)):
        x, y = dice.whole(0, width - 30), dice.whole(0, line - 20)
        corner = (x + dice.whole(16, 60), min(y + dice.whole(16, 60), line - 6))
        tone = (colours[1] * dice.whole(200, 300) // 256).clip(0, 255).tolist()
        cv2.rectangle(wall, (x, y), corner, tone, -1)
        cv2.rectangle(wall, (x, y), corner, (colours[0] * 2 // 3).tolist(), 2)
    floor = planks(dice, height, width, [colours[1], colours[2], colours[0]])
    image = np.where((np.arange(height) > line)[:, None, None], floor, wall).astype(np.uint8)
    image[line - 4 : line] = colours[0] * 2 // 3
    return image


BACKGROUNDS = (meadow, horizon, planks, tiles, ripples, bokeh, gravel, cloth, room)
