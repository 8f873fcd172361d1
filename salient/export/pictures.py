"""Pictures as an exported network takes them: to calibrate on, and to compare on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from salient.arrays import Float32, Picture
from salient.data.formats import SUFFIXES, is_litter
from salient.data.images import read_image
from salient.data.transforms import squash
from salient.model.base import Network

PICTURES = 20  # used for the check
CALIBRATED = 64  # pictures used to find the ranges of activations


def calibration(network: Network, folder: str) -> Iterator[Float32]:
    """Normalised inputs 1,3,S,S of the network's size S: pictures of a folder, evenly chosen.

    Raises:
        ValueError: there are none.
    """
    files = pictures_in(folder)
    if not files:
        raise ValueError(f"int8={folder}: no pictures in this folder")
    step = max(len(files) // CALIBRATED, 1)
    squares = (
        squash(read_image(path), network.size, network.resize)
        for path in files[::step][:CALIBRATED]
    )
    count = len(files[::step][:CALIBRATED])
    shown = tqdm(squares, "calibration", count, unit="picture", disable=None)
    return (_normalise(network, square) for square in shown)


def pictures_in(folder: str) -> list[Path]:
    """The files of a folder with an image extension, sorted by name."""
    return sorted(
        p for p in Path(folder).iterdir() if p.suffix.lower() in SUFFIXES and not is_litter(p)
    )


def _normalise(network: Network, picture: Picture) -> Float32:
    """H,W,3 -> the network's input, 1,3,H,W."""
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None]
    return np.asarray(network.normalize(batch).contiguous())


def examples(network: Network, pictures: str | None, fixed: bool = False) -> Iterator[Float32]:
    """Normalised inputs 1,3,H,W: pictures, or noise; at their own sizes rounded to 32, or at the
    network's if `fixed`."""
    if pictures is None:
        noise = np.random.default_rng(0)
        images = [noise.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((96, 160), (352, 352))]
    else:
        images = [read_image(path) for path in pictures_in(pictures)[:PICTURES]]
    for image in images:
        height, width = (max(32 * round(side / 32), 64) for side in image.shape[:2])
        if fixed:
            height = width = network.size
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        yield _normalise(network, np.asarray(resized, dtype=np.uint8))
