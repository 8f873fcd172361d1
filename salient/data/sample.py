"""The embedded sample set: a miniature of the task, drawn by code (see `salient.data.scenes`)."""

from __future__ import annotations

import math
import uuid
from pathlib import Path

import cv2
import numpy as np

from salient.data import scenes
from salient.data.scenes import Bytes, Dice, Ints, Part, blur, lit, mix, ramp, stretch

COUNTS = {"train": 96, "test": 32}
HALF = scenes.FINE**2 // 2  # a pixel, in the samples that `scenes.fill` counts
MARKER = "complete.txt"
VERSION = "2"  # of the drawing; the set is drawn afresh where the marker holds another


def draw_pair(split: str, index: int) -> tuple[Bytes, Bytes]:
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
    dice = Dice(list(COUNTS).index(split), index)
    height, width = dice.whole(160, 200), dice.whole(190, 240)
    if dice.whole(0, 2) == 0:
        height, width = width, height
    hue, value = dice.between(0, 1), dice.between(0.35, 0.85)
    objects, coverage = _arrange(dice, index, height, width)
    image, palette = _background(dice, height, width, hue, value), _palette(dice, hue, value)
    for thing in objects:
        image = _put(dice, image, *thing, palette)
    return _photograph(dice, image), np.where(coverage > HALF, 255, 0).astype(np.uint8)


def write_sample(folder: Path) -> Path:
    """Draw the sample set under `folder`, unless it is there; several processes may at once.

    Files: {train,test}/{images,masks}/0000.png ..., and last of all a marker. Takes seconds.

    Returns:
        `folder`.

    Raises:
        OSError: a file cannot be written.
    """
    places = [(split, index) for split, count in COUNTS.items() for index in range(count)]
    pairs = [
        [folder / split / kind / f"{index:04d}.png" for kind in ("images", "masks")]
        for split, index in places
    ]
    marker = folder / MARKER
    marked = marker.is_file() and marker.read_text() == VERSION
    if marked and all(file.is_file() for pair in pairs for file in pair):
        return folder
    for (split, index), pair in zip(places, pairs):
        image, mask = draw_pair(split, index)
        for file, picture in zip(pair, (image[..., ::-1], mask)):
            _write(file, cv2.imencode(".png", picture)[1].tobytes())
    _write(marker, VERSION.encode())
    return folder


def _write(file: Path, content: bytes) -> None:
    """All of the file or nothing, whoever else writes it meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{uuid.uuid4().hex}")
    partial.write_bytes(content)
    partial.replace(file)


# What is where ------------------------------------------------------------------------------------


def _arrange(
    dice: Dice, index: int, height: int, width: int
) -> tuple[list[tuple[Bytes, Bytes]], Bytes]:
    """One to five objects, filled, and the sixteenths of each pixel that they cover."""
    while True:
        count = dice.pick((1, 1, 1, 1, 1, 1, 2, 2, 3, 5))
        least, most = dice.pick(((0.04, 0.15), (0.15, 0.48)))
        area = max(dice.between(least, most), 0.03 * count) * height * width / count
        kind = index
        objects: list[tuple[Bytes, Bytes]] = []
        total = np.zeros((height, width), np.uint8)
        for _ in range(count):
            parts = _placed(dice, _sized(dice, kind, area), height, width)
            coverage, paint = scenes.fill(parts, height, width)
            seen, hidden = int(coverage.sum()), int(np.minimum(coverage, total).sum())
            if 6 * hidden < seen and seen > 16 * area / 3:  # the border may cut off the rest
                objects.append((coverage, paint))
                total = np.maximum(total, coverage)
            kind += dice.pick((0, 0, 0, 1))  # mostly a group of one kind
        if 0.03 * total.size < int((total > HALF).sum()) < 0.5 * total.size:
            return objects, total


def _sized(dice: Dice, kind: int, area: float) -> list[Part]:
    """A shape leant, maybe mirrored, and scaled to about `area` pixels; starts at (0, 0)."""
    shape, lean = scenes.SHAPES[kind % len(scenes.SHAPES)]
    cos, sin = scenes.around(dice.between(-lean, lean))
    turn = np.array([[cos, sin], [-sin, cos]]) * [[dice.pick((-1, 1))], [1]]
    parts = [Part(x[:, :1] * turn[0] + x[:, 1:] * turn[1], paint) for x, paint in shape(dice)]
    corner = np.min([part.points.min(0) for part in parts], 0)
    trial = [Part((points - corner) * 8, paint) for points, paint in parts]
    covered = int(scenes.fill(trial, 32, 32)[0].sum()) / 16
    scale = min(math.sqrt(area / covered), 17)
    return [Part(points * scale, paint) for points, paint in trial]


def _placed(dice: Dice, parts: list[Part], height: int, width: int) -> list[Part]:
    """The parts moved to somewhere in the picture, at times beyond its border."""
    extent = np.max([part.points.max(0) for part in parts], 0)
    place = np.array([dice.between(0.02, 0.98), dice.between(0.02, 0.98)])
    if dice.whole(0, 3) == 0:
        place = place * 2 - 0.5
    room = np.array([width, height]) - extent
    corner = np.where(room > 40, room, 40) * place - np.where(room > 40, 0, 40 - room) / 2
    return [Part(points + corner, paint) for points, paint in parts]


# How it looks -------------------------------------------------------------------------------------


def _palette(dice: Dice, hue: float, value: float) -> list[Ints]:
    """Three colours of an object; for one picture in three close to those of its background."""
    bright = value + dice.pick((-1, 1)) * dice.between(0, 0.4)
    near, hue, saturation = hue, hue + dice.between(0.1, 0.9), dice.between(0.2, 0.85)
    step = dice.pick((-1, 1)) * dice.between(0.08, 0.3)
    if dice.whole(0, 2) == 0:
        hue, bright = near + dice.between(-0.05, 0.05), value + dice.between(-0.08, 0.08)
        saturation, step = dice.between(0.15, 0.5), step / 2
    bright = min(max(bright, 0.25), 0.95)
    return [
        scenes.colour(hue, saturation, bright),
        scenes.colour(hue + dice.pick((0.0, 0.05, 0.1, 0.4)), saturation - 0.1, bright + step),
        scenes.colour(hue + 0.03, saturation * 0.8, bright * 0.55),
    ]


def _background(dice: Dice, height: int, width: int, hue: float, value: float) -> Bytes:
    """A surface or a landscape, with out-of-focus things in it that are not salient."""
    spread, saturation = dice.pick((0.03, 0.1, 0.25)), dice.between(0.06, 0.5)
    colours = [
        scenes.colour(
            hue + dice.between(-spread, spread),
            saturation + dice.between(-0.15, 0.15),
            value + dice.between(-0.24, 0.24),
        )
        for _ in range(3)
    ]
    image = dice.pick(scenes.BACKGROUNDS)(dice, height, width, colours)
    vivid = scenes.colour(dice.between(0, 1), 0.8, value)
    for _ in range(dice.whole(0, 4)):
        thing = _sized(dice, dice.whole(0, 99), dice.between(100, 1500))
        coverage, _ = scenes.fill(_placed(dice, thing, height, width), height, width)
        veil = blur(coverage * np.uint8(dice.whole(3, 8)), dice.between(2, 5))
        paint = lit(dice.pick([*colours, vivid]), dice.whole(120, 330))
        image = mix(image, np.broadcast_to(paint, image.shape), veil)
    return blur(image, dice.pick((0.0, 0.0, 0.6, 1.0, 1.6, 2.4)))


def _put(dice: Dice, image: Bytes, coverage: Bytes, paint: Bytes, palette: list[Ints]) -> Bytes:
    """The picture with an object in it: its shadow, its texture, its shading, its rim."""
    solid = (coverage * np.int32(255) // 16).astype(np.uint8)
    soft = blur(solid, dice.between(2, 5))
    shadow = scenes.moved(soft, dice.whole(2, 8), dice.whole(-8, 8))
    image = lit(image, 256 - shadow * dice.whole(0, 130) // 256)
    surface = _textured(dice, np.stack(palette).astype(np.uint8)[paint], palette)
    side = dice.pick((-3, 3))
    slope = np.zeros(solid.shape, np.int32)
    for strength, depth in ((1, blur(solid, 2)), (3, blur(solid, 6))):
        slope += strength * (scenes.moved(depth, 3, side) - depth)
    surface = lit(surface, (256 - slope * dice.whole(40, 90) // 100).clip(140, 380))
    return mix(image, surface, blur(solid, dice.pick((0.0, 0.0, 0.5, 0.8))))


def _textured(dice: Dice, flat: Bytes, palette: list[Ints]) -> Bytes:
    """Flat colours H,W,3 with a texture of their own: mottle, spots, bands, or grain alone."""
    height, width = flat.shape[:2]
    weight = scenes.noise(dice, height, width, dice.whole(5, 14))
    kind = dice.pick(("mottle", "spots", "bands", "grain"))
    if kind == "spots":
        weight = blur(np.where(weight > 150, 160, 0).astype(np.uint8), 0.8)
    elif kind == "bands":
        way = ramp(dice, height, width) + 2 * weight.astype(np.int32)
        weight = blur(((way // dice.whole(250, 700) % 2) * 160).astype(np.uint8), 0.8)
    elif kind == "grain":
        weight = weight // 6
    other = np.broadcast_to(dice.pick(palette[1:]), flat.shape)
    grain = scenes.clouds(dice, height, width, 8).astype(np.int32) - 128
    return lit(blur(mix(flat, other, weight), 0.5), 256 + grain * dice.whole(10, 60) // 128)


def _photograph(dice: Dice, image: Bytes) -> Bytes:
    """Uneven light, and the grain of a sensor."""
    light = stretch(ramp(dice, *image.shape[:2])) * np.int32(dice.whole(0, 90)) // 255
    grain = (dice.bytes(*image.shape).astype(np.int32) - 128) * dice.whole(1, 9) // 128
    return (lit(image, 266 - light) + grain).clip(0, 255).astype(np.uint8)
