"""Folders -> pairs of a picture and its mask, checked before anything is computed."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from salient.arrays import Picture
from salient.data.depth import common_white
from salient.data.formats import SUFFIXES
from salient.data.images import Header, read_header, read_image
from salient.data.layouts import REMEDY
from salient.data.names import WITHOUT_PNG, Naming, by_name
from salient.data.transforms import MASK_THRESHOLD


class Pair(NamedTuple):
    """A picture and its mask, with the same file name except for the extension.

    Attributes:
        name: the file name without extension, in Unicode's composed form (NFC).
        image, mask: the two files; `read_picture` and `salient.data.masks.read_truth` read them.
        threshold: foreground in the mask's file is above it.
        white: the value of white in a mask of more than 8 bits; None decides for each file.
        turn: whether to rotate both as their EXIF tags say.
        turned: whether the picture has such a tag and its mask does not.
    """

    name: str
    image: Path
    mask: Path
    threshold: int = MASK_THRESHOLD
    white: float | None = None
    turn: bool = True
    turned: bool = False


class Listing(NamedTuple):
    """The contents of two folders: pairs sorted by name, and everything else.

    Attributes:
        pairs: of a picture and a mask.
        alone: names with a picture but no mask, and names with a mask but no picture.
        twice: names that several files of a folder share, with that folder.
        left_out: files without an image extension, and folders; hidden ones are not listed.
        composed: names with a file in another Unicode form (macOS: NFD).
    """

    pairs: list[Pair]
    alone: tuple[set[str], set[str]]
    twice: set[str]
    left_out: list[Path]
    composed: set[str]


def find_pairs(
    images: str | Path | None,
    masks: str | Path,
    *,
    title: str = "",
    expected: int | None = None,
    strict: bool = True,
    differing_sizes: Collection[str] = (),
    mask_threshold: int = MASK_THRESHOLD,
    turn: bool = True,
    white: float | None = None,
    naming: Naming = Naming(),  # noqa: B008 - immutable
) -> list[Pair]:
    """The pairs of two folders, sorted by name, with equal sizes of picture and mask.

    If both are the same folder, as in MSRA10K, masks are its .png files and pictures the others.
    Without a folder of pictures, the `image` of each pair is its mask.

    Args:
        title: the data set's name, for messages.
        expected: how many pairs there should be; any number if None.
        strict: whether a wrong number of pairs is an error or only a warning.
        differing_sizes: names with a known difference between the sizes of picture and mask.
        mask_threshold: foreground of a mask is above it.
        turn: whether to rotate pictures and masks as their EXIF tags say.
        white: the value of white in masks of more than 8 bits; by default from `common_white`.
        naming: what masks are called.

    Raises:
        FileNotFoundError: a folder is missing or contains no pictures.
        ValueError: pictures without masks, masks without pictures, two files of one name, a file
            that is not a picture, sizes that differ, or a wrong count. The message has the first
            few names.
    """
    title = title or Path(masks).parent.name
    pairs, alone, twice, _, composed = list_pairs(images, masks, title, mask_threshold, naming)
    refuse(twice, f"{title}: several files with the same name")
    refuse(alone[0], f"{title}: pictures without a mask in {masks}")
    refuse(alone[1], f"{title}: masks without a picture in {images}")
    if expected is not None and len(pairs) != expected:
        message = wrong_count(title, len(pairs), expected, Path(images or masks).parent)
        if strict:
            raise ValueError(f"{message}, or continue with strict=false")
        warnings.warn(message, stacklevel=2)
    if composed:
        warnings.warn(f"{title}: {in_other_form(composed)}", stacklevel=2)
    with ThreadPoolExecutor() as pool:
        headers = list(pool.map(lambda p: (read_header(p.image), read_header(p.mask)), pairs))
    _compare_sizes(pairs, headers, differing_sizes, turn, title)
    if white is None:
        deep = [pair.mask for pair, (_, mask) in zip(pairs, headers) if mask.deep]
        white = common_white(deep, f"masks of {title}")
    return [
        pair._replace(white=white, turn=turn, turned=image.orientation != mask.orientation)
        for pair, (image, mask) in zip(pairs, headers)
    ]


def read_picture(pair: Pair) -> Picture:
    """A pair's picture, sRGB uint8 H,W,3. Raises as `read_image`."""
    return read_image(pair.image, turn=pair.turn)


def _compare_sizes(
    pairs: Sequence[Pair],
    headers: Sequence[tuple[Header, Header]],
    known: Collection[str],
    turn: bool,
    title: str,
) -> None:
    """Refuse pairs with different sizes; suggests `exif: ignore` if that would help."""
    differing, stored = set[str](), 0
    for pair, (image, mask) in zip(pairs, headers):
        if image.shown(turn) != mask.shown(turn) and pair.name not in known:
            differing.add(pair.name)
            stored += image.size == mask.size
    remedy = ""
    if turn and stored:
        remedy = f" ({stored} would not without their EXIF turn: exif: ignore in the set's YAML)"
    refuse(differing, f"{title}: mask and picture differ in size{remedy}")


def list_pairs(
    images: str | Path | None,
    masks: str | Path,
    title: str = "",
    threshold: int = MASK_THRESHOLD,
    naming: Naming = Naming(),  # noqa: B008 - immutable
) -> Listing:
    """The pairs of two folders, and files without a partner; no file is read.

    A star stands for folders, such as a video's: see `by_name`.

    Raises:
        FileNotFoundError: a folder is missing or contains no pictures.
    """
    masks = Path(masks)
    images = masks if images is None else Path(images)
    shared = images.resolve() == masks.resolve() and images is not masks
    by_image, twice, left_out, composed = by_name(
        images, WITHOUT_PNG if shared else SUFFIXES, title
    )
    by_mask, more, others, also = by_name(masks, (".png",) if shared else SUFFIXES, title)
    by_mask = naming.pictures(by_mask)
    by_image = by_mask if images is masks else by_image
    both = sorted(by_image.keys() & by_mask.keys())
    return Listing(
        [Pair(name, by_image[name], by_mask[name], threshold) for name in both],
        (by_image.keys() - by_mask.keys(), by_mask.keys() - by_image.keys()),
        twice | more,
        [p for p in left_out + others if not (shared and p.suffix.lower() in SUFFIXES)],
        (composed ^ also) & set(both),
    )


def in_other_form(names: Collection[str]) -> str:
    """The message about names that picture and mask write in different forms of Unicode."""
    return (
        f"{len(names)} names are in another Unicode form (NFD) than their partner's and "
        f"are matched: {first_few(names)}"
    )


def wrong_count(title: str, count: int, expected: int, folder: Path) -> str:
    """The message about a set with a wrong number of pairs."""
    return f"{title}: {count} of {expected} pairs under {folder}; {REMEDY}"


def find_maps(folder: str | Path, pairs: Sequence[Pair], title: str) -> list[Path]:
    """The saved map of each pair: `<folder>/<title>/<name>` or `<folder>/<name>`, any suffix.

    A map may also have the name of the mask, where that is another.

    Raises:
        FileNotFoundError: the folder or some maps are missing; the message has the first few.
        ValueError: there are two maps of one name.
    """
    named = [p for p in Path(folder).glob("*") if p.is_dir() and p.name.lower() == title.lower()]
    folder = named[0] if named else Path(folder)
    folder = folder / "*" if any("/" in pair.name for pair in pairs) else folder
    maps, twice, *_ = by_name(folder, SUFFIXES, f"maps of {title}")
    refuse(twice, f"maps of {title}: several files with the same name")
    for pair in pairs:
        as_mask = f"{pair.name.rpartition('/')[0]}/{pair.mask.stem}".lstrip("/")
        if pair.name not in maps and as_mask in maps:
            maps[pair.name] = maps[as_mask]
    missing = [pair.name for pair in pairs if pair.name not in maps]
    if missing:
        names = ", ".join(missing[:5])
        raise FileNotFoundError(
            f"{title}: {len(missing)} of {len(pairs)} maps are not in {folder}: {names}"
        )
    return [maps[pair.name] for pair in pairs]


def refuse(names: Collection[str], problem: str) -> None:
    """If there are any names, raise a ValueError with the first few."""
    if names:
        raise ValueError(f"{problem}: {first_few(names)}")


def first_few(names: Collection[str]) -> str:
    """The first five names in order, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(sorted(names)[:5]) + more
