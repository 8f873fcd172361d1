"""Sets whose masks are polygons (COCO, YOLO), or that lie in WebDataset's shards, as two folders.

Masks are drawn, and shards unpacked, once in a process, into a folder that goes when it ends.
"""

from __future__ import annotations

import functools
import glob
import json
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from salient.arrays import Mask
from salient.data.formats import SUFFIXES
from salient.data.images import read_size
from salient.data.names import by_name
from salient.files import write_whole

MASK_PARTS = (".mask.png", ".seg.png", ".gt.png", ".png")  # of a sample, the first that is there


def are_polygons(masks: Path) -> bool:
    """Whether masks are a COCO file (.json) or a folder of YOLO's labels (.txt)."""
    return masks.suffix == ".json" or (masks.is_dir() and any(masks.glob("*.txt")))


@functools.cache
def drawn_masks(source: Path, images: Path) -> Path:
    """A folder with the mask of each picture: the union of its polygons.

    Args:
        source: a COCO file, or a folder of YOLO's labels.
        images: the folder of pictures.

    Raises:
        ValueError: what is described is no polygon, or `source` cannot be read.
        FileNotFoundError: there is no picture.
    """
    folder = _new_folder()
    masks = _of_coco(source) if source.suffix == ".json" else _of_yolo(source, images)
    for name, mask in masks.items():
        write_whole(folder / f"{name}.png", cv2.imencode(".png", mask)[1].tobytes(), durable=False)
    return folder


@functools.cache
def unpacked(pattern: str) -> tuple[Path, Path]:
    """Folders of pictures and masks from shards: samples of KEY.jpg with KEY.png or KEY.mask.png.

    Args:
        pattern: a .tar file, or several: `train-*.tar`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a sample has no mask, or a shard is no archive.
    """
    shards = sorted(glob.glob(pattern))
    if not shards:
        raise FileNotFoundError(f"no shard {pattern}")
    images, masks = _new_folder(), _new_folder()
    for shard in shards:
        try:
            with tarfile.open(shard) as archive:
                samples: dict[str, dict[str, bytes]] = {}
                for member in filter(tarfile.TarInfo.isfile, archive):
                    path = PurePosixPath(member.name)
                    stream = archive.extractfile(member)
                    key, dot, part = path.name.partition(".")
                    if stream is not None and f".{part.rpartition('.')[2]}".lower() in SUFFIXES:
                        key = "_".join([*path.parent.parts, key])
                        samples.setdefault(key, {})[dot + part] = stream.read()
        except tarfile.TarError as error:
            raise ValueError(f"{shard}: not a shard of WebDataset: {error}") from error
        if not samples:
            raise ValueError(f"{shard}: not a shard of WebDataset: no picture in it")
        for key, parts in samples.items():
            mask = next((part for part in MASK_PARTS if part in parts), None)
            picture = next((part for part in parts if part != mask), None)
            if mask is None or picture is None:
                raise ValueError(
                    f"{shard}: {key} has {', '.join(parts)}; it needs a picture and a mask"
                )
            ending = picture.rpartition(".")[2]
            write_whole(images / f"{key}.{ending}", parts[picture], durable=False)
            write_whole(masks / f"{key}.png", parts[mask], durable=False)
    return images, masks


def _of_coco(source: Path) -> dict[str, Mask]:
    try:
        said = json.loads(source.read_text())
        sizes = {one["id"]: (one["height"], one["width"]) for one in said["images"]}
        names = {one["id"]: Path(one["file_name"]).stem for one in said["images"]}
        masks = {key: np.zeros(size, np.uint8) for key, size in sizes.items()}
        for one in said["annotations"]:
            _draw(masks[one["image_id"]], one["segmentation"])
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{source}: not a COCO file of polygons: {error!r:.80}") from error
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    return {names[key]: mask for key, mask in masks.items()}


def _draw(mask: Mask, segmentation: Any) -> None:
    """Fill polygons of x, y, x, y, ..., or an uncompressed run-length code."""
    if isinstance(segmentation, dict):
        if not isinstance(segmentation["counts"], list):
            raise ValueError("compressed RLE is not supported; decode it with pycocotools")
        runs = np.repeat(np.arange(len(segmentation["counts"])) % 2, segmentation["counts"])
        mask[runs.reshape(mask.shape[::-1]).T > 0] = 255
        return
    for polygon in segmentation:
        _fill(mask, polygon)


def _fill(mask: Mask, polygon: Sequence[float]) -> None:
    if len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"{len(polygon)} numbers cannot be a polygon")
    points = np.rint(np.reshape(polygon, (-1, 2))).astype(np.int32)
    cv2.fillPoly(mask, [points], 255)


def _of_yolo(source: Path, images: Path) -> dict[str, Mask]:
    masks = {}
    for name, picture in by_name(images, SUFFIXES, str(source)).files.items():
        height, width = read_size(picture)
        mask, labels = np.zeros((height, width), np.uint8), source / f"{name}.txt"
        lines = labels.read_text().splitlines() if labels.is_file() else []
        for line in filter(str.strip, lines):
            try:
                numbers = np.array(line.split()[1:], np.float64)
                _fill(mask, (numbers.reshape(-1, 2) * (width, height)).ravel().tolist())
            except ValueError as error:
                raise ValueError(f"{labels}: not a polygon: {line:.60}; {error}") from error
        masks[name] = mask
    return masks


def _new_folder() -> Path:
    holder = tempfile.TemporaryDirectory(prefix="salient-")
    _HOLDERS.append(holder)
    return Path(holder.name)


_HOLDERS = list[tempfile.TemporaryDirectory[str]]()  # removed when the process ends
