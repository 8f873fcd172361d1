"""The embedded sample set: a miniature of the task, drawn by code (`salient.data.scenes`)."""

from __future__ import annotations

import math
import os
from pathlib import Path

import cv2
import numpy as np

from salient.data.scenes import (
    BACKGROUNDS,
    FINE,
    SHAPES,
    Bytes,
    Dice,
    Ints,
    Part,
    around,
    blur,
    clouds,
    colour,
    fill,
    lit,
    mix,
    noise,
    ramp,
)

COUNTS = {"train": 96, "test": 32}
VERSION = "1"  # of the drawing; another one draws the set afresh
MARKER = "complete.txt"


def draw_pair(split: str, index: int) -> tuple[Bytes, Bytes]:
    """One picture and its mask, the same bit for bit on every machine.

    Args:
        split: "train" or "test".
        index: 0 <= index < COUNTS[split].

    Returns:
        The picture, RGB uint8 H,W,3, and its mask, uint8 H,W in {0, 255}, where the objects cover
        more than half of a pixel. H and W lie in 160..240; the mask covers 3 to 50 %.

    Raises:
        ValueError: another split, or an index outside its range.
    """
    if split not in COUNTS:
        raise ValueError(f"split must be one of {', '.join(COUNTS)}, got {split!r}")
    if not 0 <= index < COUNTS[split]:
        raise ValueError(f"{split} pictures are 0..{COUNTS[split] - 1}, got {index}")
    dice = Dice(list(COUNTS).index(split), index)
    height, width = dice.whole(160, 200), dice.whole(190, 240)
    if dice.whole(0, 2) == 0:
        height, width = width, height
    hue, value = dice.between(0, 1), dice.between(0.3, 0.85)
    image = _background(dice, height, width, hue, value)
    objects = _arrange(dice, index, height, width)
    close = dice.whole(0, 3) == 0
    palette = _palette(dice, hue, value, close)
    for parts in objects:
        image = _put(dice, image, parts, palette)
    mask = np.where(_covered(objects, height, width) > FINE * FINE // 2, 255, 0).astype(np.uint8)
    return _photograph(dice, image), mask


def write_sample(folder: Path) -> Path:
    """Draw what is missing of the sample set under `folder`; several processes may at once.

    Files: {train,test}/{images,masks}/0000.png ..., and a marker once all are there.

    Returns:
        `folder`.

    Raises:
        OSError: a file cannot be written.
    """
    marker = folder / MARKER
    if marker.is_file() and marker.read_text() == VERSION:
        return folder
    stale = marker.is_file()
    for split, count in COUNTS.items():
        for index in range(count):
            files = [folder / split / kind / f"{index:04d}.png" for kind in ("images", "masks")]
            if stale or not all(file.is_file() for file in files):
                image, mask = draw_pair(split, index)
                for file, picture in zip(files, (image[..., ::-1], mask)):
                    file.parent.mkdir(parents=True, exist_ok=True)
                    _write(file, cv2.imencode(".png", picture)[1].tobytes())
    _write(marker, VERSION.encode())
    return folder


def _write(file: Path, content: bytes) -> None:
    """All of the file or none of it, whoever else writes it meanwhile."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.write_bytes(content)
    os.replace(partial, file)


def _background(dice: Dice, height: int, width: int, hue: float, value: float) -> Bytes:
    colours = []
    spread, saturation = dice.pick((0.03, 0.06, 0.15)), dice.between(0.08, 0.6)
    for _ in range(3):
        tint = hue + dice.between(-spread, spread)
        colours.append(
            colour(tint, saturation + dice.between(-0.1, 0.1), value + dice.between(-0.16, 0.16))
        )
    image = dice.pick(BACKGROUNDS)(dice, height, width, colours)
    for _ in range(dice.whole(0, 4)):  # out-of-focus things of the scene's own colours
        image = _distract(dice, image, colours)
    return blur(image, dice.pick((0.0, 0.0, 0.6, 1.0, 1.6, 2.4)))


def _distract(dice: Dice, image: Bytes, colours: list[Ints]) -> Bytes:
    height, width = image.shape[:2]
    shape, lean = dice.pick(SHAPES)
    parts = _placed(dice, shape(dice), lean, height, width, dice.between(12, 50))
    coverage, _ = fill(parts, height, width)
    veil = blur((coverage.astype(np.int32) * dice.whole(3, 9)).astype(np.uint8), dice.between(2, 5))
    tone = (dice.pick(colours) * dice.whole(120, 330) // 256).clip(0, 255)
    return mix(image, np.broadcast_to(tone, image.shape), veil)


def _palette(dice: Dice, hue: float, value: float, close: bool) -> list[Ints]:
    """Three colours of an object, close to the background's or not."""
    if close:
        base, bright = hue + dice.between(-0.04, 0.04), value + dice.between(-0.08, 0.08)
        saturation = dice.between(0.15, 0.5)
    else:
        base, saturation = hue + dice.between(0.15, 0.85), dice.between(0.3, 0.95)
        bright = value + dice.pick((-1, 1)) * dice.between(0.1, 0.4)
        bright = min(max(bright, 0.2), 0.95)
    second = base + dice.pick((0.0, 0.05, 0.1, 0.4))
    step = dice.pick((-1, 1)) * dice.between(0.08, 0.3) / (2 if close else 1)
    return [
        colour(base, saturation, bright),
        colour(second, saturation - 0.1, bright + step),
        colour(base + 0.03, saturation * 0.8, bright * 0.55),
    ]


def _arrange(dice: Dice, index: int, height: int, width: int) -> list[list[Part]]:
    """One to five objects, in pixels, that together cover 3 to 50 % of the picture."""
    while True:
        count = dice.pick((1, 1, 1, 1, 1, 1, 2, 2, 3, 5))
        low, high = (0.05, 0.2) if dice.whole(0, 1) else (0.15, 0.46)
        share = dice.between(low, high)
        shape, lean = SHAPES[index % len(SHAPES)]
        objects: list[list[Part]] = []
        total = np.zeros((height, width), np.int32)
        for _ in range(count):
            unit = shape(dice)
            area = int(fill(_placed(dice, unit, 0, 200, 200, 60, True), 200, 200)[0].sum())
            scale = 60 * math.sqrt(16 * share * height * width / count / max(area, 1))
            parts = _placed(dice, unit, lean, height, width, min(scale, 0.62 * max(height, width)))
            cover = fill(parts, height, width)[0]
            shared = int(np.minimum(cover, total).sum())
            if shared * 6 < int(cover.sum()):
                objects.append(parts)
                total = np.maximum(total, cover)
            if dice.whole(0, 3) == 0:
                shape, lean = dice.pick(SHAPES)
        if 0.03 * height * width <= int((total > 8).sum()) <= 0.5 * height * width:
            return objects


def _placed(
    dice: Dice, parts: list[Part], lean: float, height: int, width: int, scale: float,
    centred: bool = False,
) -> list[Part]:  # fmt: skip
    """Unit parts leant, maybe mirrored, scaled and moved somewhere into the picture."""
    cos, sin = around(dice.between(-lean, lean))
    flip = dice.pick((-1, 1))
    turned = []
    for points, paint in parts:
        x, y = points[:, 0] * flip * scale, points[:, 1] * scale
        turned.append(Part(np.stack([x * cos - y * sin, x * sin + y * cos], 1), paint))
    every = np.concatenate([part.points for part in turned])
    low, high = every.min(0), every.max(0)
    room = np.array([width, height]) - (high - low)
    share = np.array([dice.between(0, 1), dice.between(0, 1)])
    if dice.whole(0, 3) == 0:
        share = share * 1.5 - 0.25 if room.min() > 40 else share * 1.2 - 0.1
        room = np.maximum(room, 60)
    if centred:
        share = np.array([0.5, 0.5])
    return [Part(p.points - low + room * share, p.colour) for p in turned]


def _covered(objects: list[list[Part]], height: int, width: int) -> Bytes:
    total = np.zeros((height, width), np.uint8)
    for parts in objects:
        total = np.maximum(total, fill(parts, height, width)[0])
    return total


def _put(dice: Dice, image: Bytes, parts: list[Part], palette: list[Ints]) -> Bytes:
    """The picture with an object in it: its shadow, its colours, texture and shading, its rim."""
    height, width = image.shape[:2]
    coverage, paint = fill(parts, height, width)
    solid = (coverage.astype(np.int32) * 255 // 16).astype(np.uint8)
    x, y = np.rint(around(dice.between(0, 1)) * dice.between(3, 9)).astype(int).tolist()
    shadow = np.roll(blur(solid, dice.between(2, 6)), (abs(y), x), (0, 1)).astype(np.int32)
    image = lit(image, 256 - shadow * dice.whole(0, 130) // 256)
    surface = _surface(dice, np.stack(palette).astype(np.uint8)[paint], palette)
    depth = blur(solid, 2).astype(np.int32) + 2 * blur(solid, max(3.0, min(height, width) / 14))
    shade = np.roll(depth, (4, 4 * dice.pick((-1, 1))), (0, 1)) - depth
    surface = lit(surface, 256 - (shade * dice.whole(30, 90) // 100).clip(-110, 110))
    return mix(image, surface, blur(solid, dice.pick((0.0, 0.0, 0.5, 0.8))))


def _surface(dice: Dice, flat: Bytes, palette: list[Ints]) -> Bytes:
    """Flat colours H,W,3 with a texture of their own: spots, bands, mottle or grain."""
    height, width = flat.shape[:2]
    kind = dice.whole(0, 3)
    weight = noise(dice, height, width, dice.whole(5, 14))
    if kind == 0:
        weight = blur(np.where(weight > 150, 255, 0).astype(np.uint8), 0.8)
    elif kind == 1:
        x, y = around(dice.between(0, 1)) * dice.whole(6, 20) * 16
        grid = np.rint(np.arange(width) * x + np.arange(height)[:, None] * y).astype(np.int32)
        weight = np.where((grid + weight.astype(np.int32) * 4) // 1024 % 2, 255, 0).astype(np.uint8)
        weight = blur(weight, 0.8)
    other = np.broadcast_to(dice.pick(palette[1:]), flat.shape)
    mottled = mix(flat, other, weight // dice.pick((2, 2, 4)) if kind < 3 else weight // 6)
    grain = clouds(dice, height, width, 8).astype(np.int32)
    return lit(blur(mottled, 0.5), 256 + (grain - 128) * dice.whole(10, 60) // 128)


def _photograph(dice: Dice, image: Bytes) -> Bytes:
    """Uneven light and the sensor's grain."""
    height, width = image.shape[:2]
    light = ramp(dice, height, width).astype(np.int32) * dice.whole(0, 90) // 255
    image = lit(image, 266 - light)
    grain = dice.bytes(height, width, 3).astype(np.int32) - 128
    return np.clip(image + grain * dice.whole(1, 9) // 128, 0, 255).astype(np.uint8)
