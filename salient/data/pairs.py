"""Folders -> pairs of a picture and its mask, checked before anything is computed."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

from salient.data.images import SUFFIXES, read_size

IMAGE_FOLDERS = ("images", "Images", "image", "imgs", "Imgs", "img")
MASK_FOLDERS = ("masks", "mask", "gt", "GT", "ground_truth_mask")
REMEDY = "see data/README.md for the layouts"


class Pair(NamedTuple):
    """A picture and its mask, which share the file name's stem `name`."""

    name: str
    image: Path
    mask: Path


def find_folders(
    data_root: str | Path, root: str, layouts: Iterable[Sequence[str]] = ()
) -> tuple[Path, Path]:
    """Where a data set lies: its folder of pictures and its folder of masks (maybe the same).

    Looked at in turn, under `data_root`: each of `layouts` (pictures, masks), as published; then
    the usual names of both folders inside `root`.

    Raises:
        FileNotFoundError: none of them is there; names where it looked first.
    """
    base = Path(data_root)
    candidates = [(base / images, base / masks) for images, masks in layouts]
    names = product(IMAGE_FOLDERS, MASK_FOLDERS)
    candidates += [(base / root / images, base / root / masks) for images, masks in names]
    for images, masks in candidates:
        if images.is_dir() and masks.is_dir():
            return images, masks
    images, masks = candidates[0]
    raise FileNotFoundError(f"{root}: no folders {images} and {masks}; {REMEDY}")


def find_pairs(
    images: str | Path | None,
    masks: str | Path,
    *,
    title: str = "",
    expected: int | None = None,
    strict: bool = True,
    differing_sizes: Collection[str] = (),
) -> list[Pair]:
    """Pairs of two folders by stem, sorted by name, each checked to have one size.

    Where both are the same folder, as in MSRA10K, masks are its .png files and pictures the rest.
    Without a folder of pictures each pair's `image` is its mask.

    Args:
        title: the data set's name, for messages.
        expected: how many pairs there should be; any number if None.
        strict: another number of pairs is an error; else a warning.
        differing_sizes: names whose mask is known to have another size than its picture.

    Raises:
        FileNotFoundError: a folder is missing, or holds no pictures.
        ValueError: pictures without mask, masks without picture, two files of one stem, a file that
            is no picture, sizes that differ, a wrong count. Names the first few.
    """
    masks = Path(masks)
    title = title or masks.parent.name
    if images is None:
        return [Pair(name, mask, mask) for name, mask in _by_stem(masks, SUFFIXES, title).items()]
    images = Path(images)
    shared = images.resolve() == masks.resolve()
    by_image = _by_stem(images, [s for s in SUFFIXES if s != ".png"] if shared else SUFFIXES, title)
    by_mask = _by_stem(masks, [".png"] if shared else SUFFIXES, title)
    _refuse(by_image.keys() - by_mask.keys(), f"{title}: pictures without a mask in {masks}")
    _refuse(by_mask.keys() - by_image.keys(), f"{title}: masks without a picture in {images}")
    pairs = [Pair(name, by_image[name], by_mask[name]) for name in sorted(by_image)]
    if expected is not None and len(pairs) != expected:
        message = f"{title}: {len(pairs)} of {expected} pairs under {images.parent}; {REMEDY}"
        if strict:
            raise ValueError(f"{message}, or go on with strict=false")
        warnings.warn(message, stacklevel=2)
    with ThreadPoolExecutor() as pool:
        same = pool.map(lambda pair: read_size(pair.image) == read_size(pair.mask), pairs)
        differing = {pair.name for pair, equal in zip(pairs, same) if not equal}
    _refuse(differing - set(differing_sizes), f"{title}: mask and picture differ in size")
    return pairs


def find_maps(folder: str | Path, pairs: Sequence[Pair], title: str) -> list[Path]:
    """The saved map of each pair: `<folder>/<title>/<name>` or `<folder>/<name>`, any suffix.

    Raises:
        FileNotFoundError: the folder or some maps are missing; names the first few.
        ValueError: two maps of one name.
    """
    named = [p for p in Path(folder).glob("*") if p.is_dir() and p.name.lower() == title.lower()]
    maps = _by_stem(named[0] if named else Path(folder), SUFFIXES, f"maps of {title}")
    missing = [pair.name for pair in pairs if pair.name not in maps]
    if missing:
        names = ", ".join(missing[:5])
        raise FileNotFoundError(
            f"{title}: {len(missing)} of {len(pairs)} maps are not in {folder}: {names}"
        )
    return [maps[pair.name] for pair in pairs]


def _by_stem(folder: Path, suffixes: Collection[str], title: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{title}: no folder {folder}; {REMEDY}")
    files: dict[str, Path] = {}
    twice = set()
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes and not path.name.startswith("."):
            if path.stem in files:
                twice.add(path.stem)
            files[path.stem] = path
    _refuse(twice, f"{title}: several files of one name in {folder}")
    if not files:
        raise FileNotFoundError(f"{title}: no {', '.join(suffixes)} files in {folder}; {REMEDY}")
    return files


def _refuse(names: Collection[str], problem: str) -> None:
    if names:
        first = ", ".join(sorted(names)[:5])
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise ValueError(f"{problem}: {first}{more}")
