"""Read every file of a set, and find damage, suspicious masks and duplicate pictures.

Pictures are compared by a difference hash of 64 bits and, if two hashes agree, by small copies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import cv2
import numpy as np

from salient.arrays import Picture
from salient.data.images import read_header, read_photo
from salient.data.masks import SUSPICIONS, Look, all_empty, look_at, suspected
from salient.data.pairs import Listing, Pair, first_few, in_other_form
from salient.data.turns import fits_better_stored, turn_fault

T = TypeVar("T")
SIDE = 16  # of the small copies
MOST_BITS = 6  # of 64, in which the hashes of the same picture may differ
MOST_DIFFERENCE = 6.0  # of 255, the mean difference of their small copies


class Examined(NamedTuple):
    """The findings on one pair.

    Attributes:
        name: of the pair.
        problems: a line for each of its files that cannot be read.
        same_size: whether picture and mask have one size, or one cannot be read.
        look: the findings on the mask, if it can be read.
        hash: the picture's difference hash; 0 if it cannot be read.
        small: the picture at SIDE x SIDE, uint8 SIDE,SIDE,3.
        remarks: on parts of the picture's file that are ignored or changed.
        turned: whether the picture has an EXIF rotation that the mask lacks.
        stored: if so, whether the mask fits the stored picture better than the rotated one.
    """

    name: str
    problems: list[str]
    same_size: bool
    look: Look | None
    hash: int
    small: Picture
    remarks: tuple[str, ...] = ()
    turned: bool = False
    stored: bool | None = None


def examine(pair: Pair) -> Examined:
    """Read both files of a pair."""
    problems: list[str] = []
    photo = _tried(partial(read_photo, pair.image, turn=pair.turn), problems)
    look = _tried(partial(look_at, pair), problems)
    picture = np.zeros((1, 1, 3), np.uint8) if photo is None else photo.rgb
    small = np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    seen = Examined(pair.name, problems, True, look, difference_hash(picture), small)
    if problems or photo is None:
        return seen
    image, mask = read_header(pair.image), read_header(pair.mask)
    turned = image.orientation != mask.orientation
    return seen._replace(
        same_size=image.shown(pair.turn) == mask.shown(pair.turn),
        remarks=photo.remarks,
        turned=turned,
        stored=fits_better_stored(pair) if turned else None,
    )


def difference_hash(picture: Picture) -> int:
    """RGB uint8 H,W,3 -> 64 bits: whether each of 8 x 8 areas is brighter than its left neighbour.

    This is the dHash of Neal Krawetz ("Kind of Like That", 2013). Scale, compression and brightness
    hardly change it.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    areas = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = np.packbits(areas[:, 1:] > areas[:, :-1])
    return int.from_bytes(bits.tobytes())


def same_pictures(
    first: Sequence[Examined], second: Sequence[Examined] | None = None
) -> list[tuple[str, str]]:
    """Names of the same pictures in two sets, or within one."""
    others = first if second is None else second
    hashes = np.array([one.hash for one in others], np.uint64)
    same = []
    for index, one in enumerate(first):
        begin = index + 1 if second is None else 0
        apart = np.bitwise_count(hashes[begin:] ^ np.uint64(one.hash))
        for near in (np.flatnonzero(apart <= MOST_BITS) + begin).tolist():
            difference = np.abs(one.small.astype(np.int16) - others[near].small).mean()
            if one.hash and difference <= MOST_DIFFERENCE:
                same.append((one.name, others[near].name))
    return same


class Report(NamedTuple):
    """The findings on a whole set.

    Attributes:
        names: for each column (see `report`), the names that it counts.
        faults: lines on faults that would spoil a run.
        remarks: lines on other findings.
    """

    names: dict[str, list[str]]
    faults: list[str]
    remarks: list[str]


def report(
    title: str,
    listing: Listing,
    examined: Sequence[Examined],
    expected: int | None = None,
    differing_sizes: Sequence[str] = (),
) -> Report:
    """Sum up the findings on the two folders of a set. See `PairSet` for the last two arguments."""
    looks = [(one.name, one.look) for one in examined if one.look is not None]
    names = {
        "alone": sorted(listing.alone[0] | listing.alone[1] | listing.twice),
        "damaged": [one.name for one in examined if one.problems],
        "sizes": [one.name for one in examined if not one.same_size],
        "empty": [name for name, look in looks if look.empty],
        "full": [name for name, look in looks if look.full],
    }
    for suspicion in SUSPICIONS:
        names[suspicion] = [name for name, look in looks if suspicion in look.suspicions]
    names["grey"] = [name for name, look in looks if look.levels[1:255].any()]
    doubles = same_pictures(examined)
    names["doubles"] = [" = ".join(pair) for pair in doubles]
    faults = _lines(names, {"alone": "without partner, or several with the same name"})
    faults += [problem for one in examined for problem in one.problems]
    wrong = set(names["sizes"]) - set(differing_sizes)
    faults += _lines({"sizes": sorted(wrong)}, {"sizes": "mask and picture differ in size"})
    if expected not in (None, len(listing.pairs)):
        faults.append(f"{len(listing.pairs)} of {expected} pairs")
    seen = [look for _, look in looks]
    if seen and all(look.empty for look in seen):
        threshold = listing.pairs[0].threshold
        faults.append(all_empty(title, len(seen), threshold, seen).removeprefix(f"{title}: "))
    faults += [f"{len(names[key])} have {SUSPICIONS[key]}" for key in suspected(seen)]
    turned = [one.stored for one in examined if one.turned]
    now = all(pair.turn for pair in listing.pairs)
    if fault := turn_fault(len(turned), turned.count(True), turned.count(False), now):
        faults.append(fault)
    texts = {
        "empty": "masks are empty",
        "full": "masks are full",
        "inverted": "masks look inverted",
    }
    remarks = _lines(names, texts | {"doubles": "pictures occur twice"})
    if listing.composed:
        remarks.append(in_other_form(listing.composed))
    said = Counter(remark for one in examined for remark in one.remarks)
    remarks += [f"{count} pictures: {remark}" for remark, count in said.most_common(5)]
    left_out = {"left out": [path.name for path in listing.left_out]}
    return Report(
        names, faults, remarks + _lines(left_out, {"left out": "files have no image extension"})
    )


def _lines(names: dict[str, list[str]], words: dict[str, str]) -> list[str]:
    return [
        f"{len(names[k])} {text}: {first_few(names[k])}" for k, text in words.items() if names[k]
    ]


def _tried(read: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return read()
    except (ValueError, OSError) as error:
        problems.append(str(error))
        return None
