"""Pack pictures and labels into archives that are small enough to send, and decode them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from salient.arrays import Map, Picture
from salient.data.images import read_image
from salient.data.masks import read_truth
from salient.data.pairs import Pair, read_picture
from salient.data.sets import find_set
from salient.data.soft import SoftPair, read_soft
from salient.data.transforms import MASK_THRESHOLD, squash
from salient.devices import in_parallel
from salient.files import write_whole

QUALITY = 60  # WebP's; at 352 px all of DUTS-TR takes 114 MB
LIMIT = 60e6  # bytes of an archive


def pack(sets: Sequence[str], data_root: str, count: int, side: int, folder: Path) -> None:
    """Write the pictures and labels of the sets as `folder/1.zip` and so on, shrunk to `side`.

    Raises:
        ValueError: an archive is larger than LIMIT.
    """
    pairs = [pair for name in sets for pair in find_set(name).pairs(data_root)]
    for number in range(count):
        part = pairs[number::count]
        content = BytesIO()
        with zipfile.ZipFile(content, "w") as archive:  # stored: pictures are already compressed
            listed = [[pair.name, isinstance(pair, SoftPair)] for pair in part]
            archive.writestr("pairs.json", json.dumps(listed))
            shrunk = in_parallel(lambda pair: _packed(pair, side), part)
            for index, (image, label) in enumerate(shrunk):
                archive.writestr(f"{index}.image", image)
                archive.writestr(f"{index}.label", label)
        if content.tell() > LIMIT:
            raise ValueError(f"archive {number + 1} has {content.tell() / 1e6:.0f} MB; pack more")
        write_whole(folder / f"{number + 1}.zip", content.getvalue())
        print(f"{folder}/{number + 1}.zip: {len(part)} pictures, {content.tell() / 1e6:.1f} MB")


def _packed(pair: Pair | SoftPair, side: int) -> tuple[bytes, bytes]:
    """A picture as WebP, and its label: a mask as PNG of 1 bit, a soft one as WebP."""
    if isinstance(pair, SoftPair):
        picture, label = read_soft(pair)
    else:
        picture, label = read_picture(pair), read_truth(pair)
    scale = min(side / max(picture.shape[:2]), 1)
    size = tuple(max(round(length * scale), 1) for length in picture.shape[1::-1])
    image, mask = (Image.fromarray(cv2.resize(x, size, interpolation=cv2.INTER_AREA))
                   for x in (picture, label))  # fmt: skip
    first, second = BytesIO(), BytesIO()
    image.save(first, "WEBP", quality=QUALITY, method=4)
    if isinstance(pair, SoftPair):
        mask.save(second, "WEBP", quality=80, method=4)
    else:
        mask.point(lambda level: 255 * (level > MASK_THRESHOLD)).convert("1").save(second, "PNG")
    return first.getvalue(), second.getvalue()


def decode(archive: Path, side: int, folder: Path) -> None:
    """Write an archive as arrays of squares, on all cores: `folder/NAME.npy`, `.labels.npy`."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as packed:
        listed = json.loads(packed.read("pairs.json"))
        files = [(packed.read(f"{k}.image"), packed.read(f"{k}.label")) for k in range(len(listed))]

    def job(pair: tuple[bytes, bytes]) -> tuple[Picture, Map]:
        return squash(read_image(pair[0]), side), squash(
            np.asarray(Image.open(BytesIO(pair[1])).convert("L")), side
        )

    images = np.empty((len(listed), side, side, 3), np.uint8)
    labels = np.empty((len(listed), side, side), np.uint8)
    for k, (image, label) in enumerate(in_parallel(job, files)):
        images[k], labels[k] = image, label
    np.save(folder / f"{archive.stem}.npy", images)
    np.save(folder / f"{archive.stem}.labels.npy", labels)
    write_whole(folder / f"{archive.stem}.json", json.dumps(listed))  # last: marks it as complete
