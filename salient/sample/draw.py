"""Draw the embedded sample: objects and their masks. `salient.sample.scenes` has the surfaces."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from salient.arrays import Drawing
from salient.files import write_whole
from salient.sample import scenes
from salient.sample.scenes import Field, Floats, RandomStream, around, blur, sine

COUNTS = {"train": 96, "test": 32}
MARKER = "complete.txt"
VERSION = "3"  # of the drawing; the set is drawn again if its marker has another version
HOLE = -1  # the paint of a part that cuts a hole into those before it
Part = tuple[Floats, int]  # a polygon, points N,2 (x, y down), and the index of its colour
Row = tuple[float, ...]  # the numbers of an oval or a limb, see below


def draw_pair(split: str, index: int) -> tuple[Drawing, Drawing]:
    """One picture and its mask, the same bit for bit on every machine.

    Args:
        split: "train" or "test".
        index: 0 <= index < COUNTS[split].

    Returns:
        The picture, RGB uint8 H,W,3, and its mask, uint8 H,W in {0, 255}: 255 where an object
        covers more than half of a pixel. H and W lie in 160..240; the mask covers 3 to 50 %.

    Raises:
        ValueError: another split, or an index outside its range.
    """
    if split not in COUNTS:
        raise ValueError(f"split must be one of {', '.join(COUNTS)}, got {split!r}")
    if not 0 <= index < COUNTS[split]:
        raise ValueError(f"index must be in 0..{COUNTS[split] - 1} for {split}, got {index}")
    rng = RandomStream(list(COUNTS).index(split), index)
    height, width = rng.whole(160, 200), rng.whole(190, 240)
    field = Field(rng, *rng.pick(((height, width), (height, width), (width, height))))
    hue, value = rng.between(0, 1), rng.between(0.35, 0.85)
    objects, mask = _arrange(field, index)
    image = scenes.background(field, hue, value)
    vivid = scenes.colour(rng.between(0, 1), 0.8, value)
    for _ in range(rng.whole(0, 4)):  # out-of-focus things that are not salient
        solid, _ = _placed(field, _sized(rng, rng.whole(0, 99), rng.between(100, 1500)))
        tone = scenes.lit(rng.pick((vivid, image[0, 0].astype(np.int32))), rng.whole(120, 330))
        image = scenes.mix(image, tone, blur(solid // rng.pick((2, 3, 5)), rng.between(2, 5)))
    image = blur(image, rng.pick((0.0, 0.0, 0.6, 1.0, 1.6, 2.4)))
    colours = scenes.palette(rng, hue, value)
    for solid, paint in objects:
        image = scenes.put(field, image, solid, paint, colours)
    return scenes.photograph(field, image), mask


def write_sample(folder: Path) -> Path:
    """Draw the sample set under `folder` if it is missing; several processes may do so at once.

    Files: {train,test}/{images,masks}/0000.png ..., and finally a marker. Returns `folder`.

    Raises:
        OSError: a file cannot be written.
    """
    places = [(split, index) for split, count in COUNTS.items() for index in range(count)]
    kinds = ("images", "masks")
    pairs = [[folder / split / k / f"{index:04d}.png" for k in kinds] for split, index in places]
    marker = folder / MARKER
    marked = marker.is_file() and marker.read_text() == VERSION
    if marked and all(file.is_file() for pair in pairs for file in pair):
        return folder
    for (split, index), pair in zip(places, pairs):
        image, mask = draw_pair(split, index)
        for file, picture in zip(pair, (image[..., ::-1], mask)):
            write_whole(file, cv2.imencode(".png", picture)[1].tobytes())
    write_whole(marker, VERSION.encode())
    return folder


def _arrange(field: Field, index: int) -> tuple[list[tuple[Drawing, Drawing]], Drawing]:
    """One to five objects, each with coverage 0..255 and paint H,W, and the mask of all."""
    rng = field.rng
    while True:
        count = rng.pick((1, 1, 1, 1, 1, 1, 2, 2, 3, 5))
        share = rng.between(*rng.pick(((0.04, 0.15), (0.15, 0.48))))
        area = max(share, 0.03 * count) * field.height * field.width / count
        objects: list[tuple[Drawing, Drawing]] = []
        total = np.zeros((field.height, field.width), np.uint8)
        for _ in range(count):
            kind = index + rng.pick((0, 0, 0, 1))  # mostly a group of one kind
            solid, paint = _placed(field, _sized(rng, kind, area))
            seen, hidden = int(solid.sum()), int(np.minimum(solid, total).sum())
            if 6 * hidden < seen and seen > 255 * area / 3:  # the border may cut off the rest
                objects.append((solid, paint))
                total = np.maximum(total, solid)
        mask = np.where(total > 127, 255, 0).astype(np.uint8)
        if 0.03 < int(np.count_nonzero(mask)) / mask.size < 0.5:
            return objects, mask


def _sized(rng: RandomStream, kind: int, area: float) -> list[Part]:
    """A tilted, perhaps mirrored object that covers about `area` pixels and starts at (0, 0)."""
    rows, lean, wobble = THINGS[kind % len(THINGS)]
    cos, sin = around(rng.between(-lean, lean))
    wide, tall = rng.pick((-1, 1)) * rng.between(0.8, 1.2), rng.between(0.8, 1.2)
    parts: list[Part] = []
    for paint, *sizes in rows(rng) if callable(rows) else rows:
        points = (_oval if len(sizes) == 5 else _limb)(rng, wobble, sizes)
        x, y = points[:, 0] * wide, points[:, 1] * tall
        parts.append((np.stack([x * cos - y * sin, x * sin + y * cos], 1), int(paint)))
    corner = np.min([points.min(0) for points, _ in parts], 0)
    trial = [((points - corner) * 8, paint) for points, paint in parts]
    scale = min(math.sqrt(255 * area / int(_fill(trial, 32, 32)[0].sum())), 17)
    return [(points * scale, paint) for points, paint in trial]


def _placed(field: Field, parts: Sequence[Part]) -> tuple[Drawing, Drawing]:
    """The filled parts at a random place, sometimes cut by the picture's border."""
    room = [field.width, field.height] - np.max([points.max(0) for points, _ in parts], 0)
    place = np.array([field.rng.between(0.02, 0.98), field.rng.between(0.02, 0.98)])
    if field.rng.whole(0, 3) == 0:
        place = place * 2 - 0.5
    corner = np.where(room > 40, room * place, 40 * place - (40 - room) / 2)
    return _fill([(points + corner, paint) for points, paint in parts], field.height, field.width)


def _fill(parts: Sequence[Part], height: int, width: int) -> tuple[Drawing, Drawing]:
    """How much of each pixel is covered, from 16 samples, H,W in 0..255, and by which colour."""
    canvas = np.zeros((height * 4, width * 4), np.uint8)
    for points, paint in parts:
        _polygon(canvas, points * 4, paint + 1)
    solid = np.minimum(canvas, 1)
    rows = np.add.reduce([solid[i::4] for i in range(4)], dtype=np.uint8)
    sixteenths = np.add.reduce([rows[:, i::4] for i in range(4)], dtype=np.int32)
    top = np.maximum.reduce([canvas[i::4, j::4] for i in (0, 3) for j in (0, 3)])
    return (sixteenths * 255 // 16).astype(np.uint8), np.asarray(top.clip(1) - 1, np.uint8)


def _polygon(canvas: Drawing, points: Floats, value: int) -> None:
    """Set the pixels of a canvas H,W whose centres lie inside (the even-odd rule)."""
    left, top = np.rint(points.min(0)).astype(int).clip(0).tolist()
    right, bottom = np.minimum(np.rint(points.max(0)).astype(int), canvas.shape[::-1]).tolist()
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


# Things, about 2 units across, of ovals (paint, x, y, half axes, angle) and limbs (paint, x, y,
# angle, length, half widths at either end, bend); angles in turns, clockwise from the right -------


def _oval(rng: RandomStream, wobble: float, sizes: Sequence[float]) -> Floats:
    x, y, wide, tall, turn = sizes
    angle, radius = np.arange(64) / 64, np.ones(64)
    for order in (2, 3, 4, 5, 7):
        bump = sine(angle * order + rng.between(0, 1)) / order
        radius = radius + rng.between(-wobble, wobble) * bump
    along, across = wide * radius * sine(angle + 0.25), tall * radius * sine(angle)
    cos, sin = around(turn)
    return np.stack([x + along * cos - across * sin, y + along * sin + across * cos], 1)


def _limb(rng: RandomStream, wobble: float, sizes: Sequence[float]) -> Floats:
    x, y, turn, length, wide, tip, bend = sizes
    turns = turn + rng.between(-wobble, wobble) / 4 + bend * np.arange(9) / 8
    ahead = np.stack([sine(turns + 0.25), sine(turns)], 1)
    step = length * rng.between(1 - wobble, 1 + wobble) / 8
    spine = np.array([x, y]) + (np.cumsum(ahead, 0) - 1.5 * ahead[:1]) * step
    side = ahead[:, ::-1] * [-1, 1] * (wide + (tip - wide) * np.arange(9) / 8)[:, None]
    return np.concatenate([spine + side, (spine - side)[::-1]])


def _wheel(rng: RandomStream) -> list[Row]:
    hole, spokes = rng.between(0.4, 0.7), rng.pick((0, 0, 3, 4, 5))
    rim = [(0, 0, 0, 1, 1, 0), (HOLE, 0, 0, hole, hole, 0)]
    return rim + [(1, 0, 0, i / spokes, 0.9, 0.09, 0.07, 0) for i in range(spokes)]


def _flower(rng: RandomStream) -> list[Row]:
    count, wide, lean = rng.whole(5, 10), rng.between(0.18, 0.3), rng.pick((-0.05, 0.55))
    rows: list[Row] = [(2, 0, 0, 0.25, 1.9, 0.07, 0.08, 0), (2, 0, 1, lean, 0.6, 0.2, 0.02, 0.05)]
    rows += [(0, *(around(i / count) * 0.5).tolist(), 0.5, wide, i / count) for i in range(count)]
    return [*rows, (1, 0, 0, 0.26, 0.26, 0)]


def _branch(rng: RandomStream) -> list[Row]:
    rows: list[Row] = []
    tips = [(0.0, 1.2, 0.75)]
    for level, wide in enumerate((0.15, 0.11, 0.08, 0.06)):
        grown = []
        for x, y, turn in tips:
            length = rng.between(0.55, 0.8) * (1 - level * 0.12)
            rows.append((1, x, y, turn, length, wide, wide * 0.7, 0))
            x, y = (x, y) + around(turn) * (length * 7 / 8)
            grown += [(x, y, turn + rng.between(*fork)) for fork in ((-0.16, -0.06), (0.06, 0.14))]
            if level > 1 and rng.whole(0, 2):
                rows.append((0, x, y, 0.24, 0.13, rng.between(0, 1)))
        tips = grown
    return rows


BEAST = (
    (0, -.9, -.1, .55, .7, .09, .05, .1), (1, -.75, .1, .26, .9, .15, .08, 0),
    (0, -.5, .1, .23, .9, .15, .08, 0), (1, .5, .1, .27, .9, .14, .08, 0),
    (0, .72, .1, .24, .9, .14, .08, 0), (0, 0, 0, 1, .38, 0), (0, .7, -.1, .85, .75, .22, .14, 0),
    (1, 1, -.7, .72, .38, .1, .03, 0), (1, 1.08, -.7, .8, .38, .1, .03, 0),
    (0, 1.15, -.65, .32, .18, .04), (2, 1.2, -.69, .05, .05, 0),
)  # fmt: skip
INSECT = (
    (2, 0, -.25, -.1, 1.15, .07, .04, .18), (2, 0, -.25, .6, 1.15, .07, .04, -.18),
    (2, 0, 0, 0, 1.1, .07, .04, .15), (2, 0, 0, .5, 1.1, .07, .04, -.15),
    (2, 0, .2, .08, 1.2, .07, .04, .13), (2, 0, .2, .42, 1.2, .07, .04, -.13),
    (2, .1, -.7, .81, .5, .05, .03, .12), (2, -.1, -.7, .69, .5, .05, .03, -.12),
    (0, 0, .5, .38, .6, 0), (1, 0, -.2, .28, .3, 0), (2, 0, -.6, .2, .2, 0),
)  # fmt: skip
FISH = (
    (1, -.7, 0, .42, .8, .06, .25, 0), (1, -.7, 0, .58, .8, .06, .25, 0), (0, 0, 0, 1, .45, 0),
    (1, .1, -.3, .62, .6, .3, .05, 0), (1, .1, .3, .38, .6, .25, .05, 0), (2, .7, -.1, .1, .1, 0),
)  # fmt: skip
JAR = (
    (1, .55, -.1, .45, .5, 0), (HOLE, .55, -.1, .28, .3, 0), (0, 0, .1, .62, .75, 0),
    (2, 0, -.5, .75, .5, .28, .42, 0), (0, 0, .6, .25, .3, .35, .4, 0),
)  # fmt: skip
CHAIR = (
    (1, -.5, 0, .25, 1, .08, .06, 0), (1, .5, 0, .25, 1, .08, .06, 0),
    (1, .72, -.1, .25, .9, .07, .05, 0), (0, -.5, 0, .745, 1.1, .07, .07, 0),
    (0, .5, 0, .745, 1.1, .07, .07, 0), (0, -.5, -.9, 0, 1.15, .09, .09, 0),
    (0, -.5, -.6, 0, 1.15, .08, .08, 0), (2, -.5, -.02, 0, 1.3, .12, .12, 0),
)  # fmt: skip
BIRD = (
    (2, -.1, .3, .25, .6, .05, .04, 0), (2, .12, .3, .25, .6, .05, .04, 0), (0, 0, 0, .8, .4, -.04),
    (1, -.5, .1, .48, .9, .16, .1, 0), (2, .75, -.5, .02, .45, .12, .02, 0),
    (0, .6, -.5, .28, .26, 0), (1, -.15, 0, .5, .24, .03), (2, .68, -.55, .06, .06, 0),
)  # fmt: skip

# Each with how far it leans (a beast stands, a wheel lies as it likes), and how irregular it is.
THINGS: tuple[tuple[Sequence[Row] | Callable[[RandomStream], list[Row]], float, float], ...] = (
    (BEAST, .03, .1), (_wheel, .5, .08), (INSECT, .5, .1), (((0, 0, 0, 1, .75, 0),), .5, .5),
    (_branch, .08, .05), (FISH, .1, .1), (JAR, .02, .08), (_flower, .06, .08),
    (CHAIR, .02, .02), (BIRD, .04, .08),
)  # fmt: skip
