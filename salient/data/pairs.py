"""Folders -> pairs of a picture and its mask, checked before anything is computed."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from salient.arrays import Picture
from salient.data.depth import common_white
from salient.data.formats import SUFFIXES, is_litter
from salient.data.images import Header, read_header, read_image
from salient.data.layouts import REMEDY
from salient.data.transforms import MASK_THRESHOLD


class Pair(NamedTuple):
    """A picture and its mask, which share the file name's stem `name`.

    Attributes:
        name: the stem, in Unicode's composed form (NFC).
        image, mask: the two files; `read_picture` and `salient.data.masks.read_truth` read them.
        threshold: in the mask's file foreground is above it.
        white: of a mask of more than 8 bits, the value that is white; None decides by each file.
        turn: whether both are turned as their EXIF tags say.
        turned: whether the picture has such a tag, other than its mask.
    """

    name: str
    image: Path
    mask: Path
    threshold: int = MASK_THRESHOLD
    white: float | None = None
    turn: bool = True
    turned: bool = False


class Listing(NamedTuple):
    """What two folders hold: pairs sorted by name, and what belongs to none.

    Attributes:
        pairs: of a picture and a mask.
        alone: names with a picture and no mask, and names with a mask and no picture.
        twice: names of which there are several files, with their folder.
        left_out: files and folders that are no pictures by their endings; hidden ones are not told.
        composed: names of which a file has another Unicode form (macOS: NFD) than the name.
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
        turn: whether pictures and masks are turned as their EXIF tags say.
        white: of masks of more than 8 bits, the value that is white; None as `common_white`.

    Raises:
        FileNotFoundError: a folder is missing, or holds no pictures.
        ValueError: pictures without mask, masks without picture, two files of one stem, a file that
            is no picture, sizes that differ, a wrong count. Names the first few.
    """
    title = title or Path(masks).parent.name
    pairs, alone, twice, _, composed = list_pairs(images, masks, title, mask_threshold)
    refuse(twice, f"{title}: several files of one name")
    refuse(alone[0], f"{title}: pictures without a mask in {masks}")
    refuse(alone[1], f"{title}: masks without a picture in {images}")
    if expected is not None and len(pairs) != expected:
        message = wrong_count(title, len(pairs), expected, Path(images or masks).parent)
        if strict:
            raise ValueError(f"{message}, or go on with strict=false")
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
    """Refuse pairs whose sizes differ; says so where they would not with the EXIF tags left out."""
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
) -> Listing:
    """The pairs of two folders, and what has no partner; no file is read.

    Raises:
        FileNotFoundError: a folder is missing, or holds no pictures.
    """
    masks = Path(masks)
    images = masks if images is None else Path(images)
    shared = images.resolve() == masks.resolve() and images is not masks
    by_image, twice, left_out, composed = _by_stem(
        images, _without_png() if shared else SUFFIXES, title
    )
    by_mask, more, others, also = _by_stem(masks, (".png",) if shared else SUFFIXES, title)
    both = sorted(by_image.keys() & by_mask.keys())
    return Listing(
        [Pair(name, by_image[name], by_mask[name], threshold) for name in both],
        (by_image.keys() - by_mask.keys(), by_mask.keys() - by_image.keys()),
        twice | more,
        [p for p in left_out + others if not (shared and p.suffix.lower() in SUFFIXES)],
        (composed ^ also) & set(both),
    )


def in_other_form(names: Collection[str]) -> str:
    """What is said of names whose picture and mask are written in two forms of Unicode."""
    return (
        f"{len(names)} names are in another Unicode form (NFD) than their partner's and "
        f"are matched: {first_few(names)}"
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
    maps, twice, *_ = _by_stem(folder, SUFFIXES, f"maps of {title}")
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
) -> tuple[dict[str, Path], set[str], list[Path], set[str]]:
    """A folder's pictures by stem (NFC), what several share, other entries, and stems not in NFC.

    Hidden files and what systems leave (`Thumbs.db`) are passed over.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{title}: no folder {folder}; {REMEDY}")
    files: dict[str, Path] = {}
    twice, left_out, composed = set[str](), list[Path](), set[str]()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or is_litter(Path(path.name)):
            continue
        if path.suffix.lower() not in suffixes or not path.is_file():
            left_out.append(path)
            continue
        name = unicodedata.normalize("NFC", path.stem)
        if name != path.stem:
            composed.add(name)
        if name in files:
            twice.add(str(path.with_name(name)))
        files[name] = path
    if not files:
        what = "masks (.png)" if suffixes == (".png",) else "pictures"
        raise FileNotFoundError(f"{title}: no {what} in {folder}; {REMEDY}")
    return files, twice, left_out, composed
