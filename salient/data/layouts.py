"""Find the two folders of a data set, by their usual names or as published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from salient.remote import any_path, fetch

IMAGE_FOLDERS = ("images", "Images", "image", "imgs", "Imgs", "img")
MASK_FOLDERS = ("masks", "mask", "gt", "GT", "ground_truth_mask")
REMEDY = "see data/README.md for the layouts"


def find_folders(
    data_root: str | Path, root: str, layouts: Iterable[Sequence[str]] = ()
) -> tuple[Path, Path]:
    """The folder of pictures and the folder of masks of a data set (they may be the same).

    At an address both are fetched, once in a process.

    Tried in this order under `data_root`: each of `layouts` (pictures, masks), as published; then
    the usual names of both folders inside `root`.

    Raises:
        FileNotFoundError: none of them exists; the message has the first.
    """
    base = any_path(data_root)
    candidates = [(base / images, base / masks) for images, masks in layouts]
    names = product(IMAGE_FOLDERS, MASK_FOLDERS)
    candidates += [(base / root / images, base / root / masks) for images, masks in names]
    for images, masks in candidates:
        if _is_there(images) and _is_there(masks):
            return fetch(images), fetch(masks)
    images, masks = candidates[0]
    both = f"folder {images}" if images == masks else f"folders {images} and {masks}"
    raise FileNotFoundError(f"{root}: no {both}; {REMEDY}")


def _is_there(folder: Path) -> bool:
    """Whether there is such a folder, or, with a star, one that it may stand for."""
    if "*" not in folder.parts:
        return folder.is_dir()
    place = folder.parts.index("*")
    before, after = Path(*folder.parts[:place]), Path(*folder.parts[place + 1 :])
    return any((one / after).is_dir() for one in before.glob("*"))
