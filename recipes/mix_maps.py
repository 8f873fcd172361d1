"""Average the logits of several methods' saved maps, as labels from several teachers.

    python -m recipes.mix_maps data/photos-maps maps/best 0.7 maps/u2net 0.3

The first folder is written. The others, each followed by its share, must have maps of the same
names. A map is resized to the size of the first method's. Bytes 0 and 255 count as half a level
from the end, so that a confident method can still be outvoted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from salient.arrays import Float32, Map
from salient.data.encoding import encode_png
from salient.data.images import read_mask
from salient.data.pairs import list_pairs, refuse
from salient.devices import in_parallel
from salient.files import write_whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("output", type=Path, help="the folder to write")
    parser.add_argument("methods", nargs="+", metavar="FOLDER SHARE", help="two or more of these")
    asked = parser.parse_args(arguments)
    folders = [Path(word) for word in asked.methods[::2]]
    try:
        shares = [float(word) for word in asked.methods[1::2]]
    except ValueError:
        shares = []
    if len(shares) != len(folders) or len(folders) < 2 or min(shares) <= 0:
        parser.error("give two folders or more, each followed by its share, a number above 0")
    try:
        print(f"{mix_folders(asked.output, folders, shares)} maps in {asked.output}")
    except (ValueError, OSError) as error:
        parser.exit(1, f"error: {error}\n")


def mix_folders(output: Path, folders: Sequence[Path], shares: Sequence[float]) -> int:
    """Write the mixed maps as `output/NAME.png`; returns how many.

    Raises:
        FileNotFoundError: a folder is missing or has no maps.
        ValueError: a method lacks maps that another has.
    """
    first, *others = folders
    files: dict[str, list[Path]] = {}
    for folder in others:
        listing = list_pairs(first, folder, str(folder))
        refuse(listing.alone[0], f"{folder}: no map of some that {first} has")
        refuse(listing.alone[1], f"{first}: no map of some that {folder} has")
        for pair in listing.pairs:
            files.setdefault(pair.name, [pair.image]).append(pair.mask)
    output.mkdir(parents=True, exist_ok=True)
    job = partial(_write, output, shares)
    return len(list(in_parallel(job, sorted(files.items()))))


def _write(output: Path, shares: Sequence[float], named: tuple[str, list[Path]]) -> None:
    name, files = named
    mixed = mix([read_mask(file) for file in files], shares)
    write_whole(output / f"{name}.png", encode_png(mixed), durable=False)


def mix(maps: Sequence[Map], shares: Sequence[float]) -> Map:
    """The map of the weighted mean of the logits.

    Args:
        maps: uint8 h,w each, of any size.
        shares: the weight of each; they are divided by their sum.

    Returns:
        A map uint8 of the first's size.
    """
    size = maps[0].shape
    total = np.zeros(size, np.float32)
    for saliency, share in zip(maps, shares, strict=True):
        total += np.float32(share / sum(shares)) * _logit(saliency, size)
    return np.rint(255 / (1 + np.exp(-total))).astype(np.uint8)


def _logit(saliency: Map, size: tuple[int, ...]) -> Float32:
    probability = saliency.astype(np.float32) / 255
    if saliency.shape != size:
        shrinks = size[0] < saliency.shape[0] or size[1] < saliency.shape[1]
        filter = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        probability = np.asarray(cv2.resize(probability, size[::-1], interpolation=filter))
    probability = probability.clip(0.5 / 255, 1 - 0.5 / 255)
    return np.asarray(np.log(probability / (1 - probability)), np.float32)


if __name__ == "__main__":
    main()
