"""Folders -> pairs of a picture and its mask, checked before anything is computed."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

from salient.data.images import SUFFIXES, read_size
from salient.data.transforms import MASK_THRESHOLD

IMAGE_FOLDERS = ("images", "Images", "image", "imgs", "Imgs", "img")
MASK_FOLDERS = ("masks", "mask", "gt", "GT", "ground_truth_mask")
REMEDY = "see data/README.md for the layouts"


class Pair(NamedTuple):
    """A picture and its mask, which share the file name's stem `name`.

    In the mask's file foreground is above `threshold`; see `salient.data.masks.read_truth`.
    """

    name: str
    image: Path
    mask: Path
    threshold: int = MASK_THRESHOLD


class Listing(NamedTuple):
    """What two folders hold: pairs sorted by name, and what belongs to none.

    Attributes:
        pairs: of a picture and a mask.
        alone: names with a picture and no mask, and names with a mask and no picture.
        twice: names of which there are several files, with their folder.
        left_out: files and folders that are no pictures by their endings; hidden ones are not told.
    """

    pairs: list[Pair]
    alone: tuple[set[str], set[str]]
    twice: set[str]
    left_out: list[Path]


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
    mask_threshold: int = MASK_THRESHOLD,
) -> list[Pair]:
    """Pairs of two folders by stem, sorted by name, each checked to have one size.

    Where both are the same folder, as in MSRA10K, masks are its .png files and pictures the rest.
    Without a folder of pictures each pair's `image` is its mask.

    Args:
        title: the data set's name, for messages.
        expected: how many pairs there should be; any number if None.
        strict: another number of pairs is an error; else a warning.
        differing_sizes: names whose mask is known to have another size than its picture.
        mask_threshold: foreground of a mask is above it.

    Raises:
        FileNotFoundError: a folder is missing, or holds no pictures.
        ValueError: pictures without mask, masks without picture, two files of one stem, a file that
            is no picture, sizes that differ, a wrong count. Names the first few.
    """
    title = title or Path(masks).parent.name
    pairs, alone, twice, _ = list_pairs(images, masks, title, mask_threshold)
    refuse(twice, f"{title}: several files of one name")
    refuse(alone[0], f"{title}: pictures without a mask in {masks}")
    refuse(alone[1], f"{title}: masks without a picture in {images}")
    if expected is not None and len(pairs) != expected:
        message = wrong_count(title, len(pairs), expected, Path(images or masks).parent)
        if strict:
            raise ValueError(f"{message}, or go on with strict=false")
        warnings.warn(message, stacklevel=2)
    with ThreadPoolExecutor() as pool:
        same = pool.map(lambda pair: read_size(pair.image) == read_size(pair.mask), pairs)
        differing = {pair.name for pair, equal in zip(pairs, same) if not equal}
    refuse(differing - set(differing_sizes), f"{title}: mask and picture differ in size")
    return pairs


def list_pairs(
    images: str | Path | None,
    masks: str | Path,
    title: str = "",
    threshold: int = MASK_THRESHOLD,
) -> Listing:
    """The pairs of two folders, and what has no partner; no file is read.

    Raises:
        FileNotFoundError: a folder is missing, or holds no pictures.
    """
    masks = Path(masks)
    images = masks if images is None else Path(images)
    shared = images.resolve() == masks.resolve() and images is not masks
    by_image, twice, left_out = _by_stem(images, _without_png() if shared else SUFFIXES, title)
    by_mask, more, others = _by_stem(masks, (".png",) if shared else SUFFIXES, title)
    both = sorted(by_image.keys() & by_mask.keys())
    return Listing(
        [Pair(name, by_image[name], by_mask[name], threshold) for name in both],
        (by_image.keys() - by_mask.keys(), by_mask.keys() - by_image.keys()),
        twice | more,
        [p for p in left_out + others if not (shared and p.suffix.lower() in SUFFIXES)],
    )


def wrong_count(title: str, count: int, expected: int, folder: Path) -> str:
    """What is said of a set with another number of pairs than it should have."""
    return f"{title}: {count} of {expected} pairs under {folder}; {REMEDY}"


def find_maps(folder: str | Path, pairs: Sequence[Pair], title: str) -> list[Path]:
    """The saved map of each pair: `<folder>/<title>/<name>` or `<folder>/<name>`, any suffix.

    Raises:
        FileNotFoundError: the folder or some maps are missing; names the first few.
        ValueError: two maps of one name.
    """
    named = [p for p in Path(folder).glob("*") if p.is_dir() and p.name.lower() == title.lower()]
    folder = named[0] if named else Path(folder)
    maps, twice, _ = _by_stem(folder, SUFFIXES, f"maps of {title}")
    refuse(twice, f"maps of {title}: several files of one name")
    missing = [pair.name for pair in pairs if pair.name not in maps]
    if missing:
        names = ", ".join(missing[:5])
        raise FileNotFoundError(
            f"{title}: {len(missing)} of {len(pairs)} maps are not in {folder}: {names}"
        )
    return [maps[pair.name] for pair in pairs]


def refuse(names: Collection[str], problem: str) -> None:
    """Raise a ValueError that names the first few, if there are any."""
    if names:
        raise ValueError(f"{problem}: {first_few(names)}")


def first_few(names: Collection[str]) -> str:
    """The first five names in order, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(sorted(names)[:5]) + more


def _without_png() -> tuple[str, ...]:
    return tuple(suffix for suffix in SUFFIXES if suffix != ".png")


def _by_stem(
    folder: Path, suffixes: Collection[str], title: str
) -> tuple[dict[str, Path], set[str], list[Path]]:
    """A folder's pictures by stem, what several of them share, and its other visible entries."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{title}: no folder {folder}; {REMEDY}")
    files: dict[str, Path] = {}
    twice, left_out = set[str](), []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix.lower() not in suffixes or not path.is_file():
            left_out.append(path)
            continue
        if path.stem in files:
            twice.add(str(path.with_suffix("")))
        files[path.stem] = path
    if not files:
        what = "masks (.png)" if suffixes == (".png",) else "pictures"
        raise FileNotFoundError(f"{title}: no {what} in {folder}; {REMEDY}")
    return files, twice, left_out
