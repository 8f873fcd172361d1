"""Damaged pictures of every format, and what reading each of them comes to.

`python -m tests.soak.pictures 5000` tries as many and prints a table. Each is either refused in one
line that names it, or read as what it was. Where a format has no checksum, a change of the pixels
that can still be decoded is known to nobody: those are counted as `altered`.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from salient.data.formats import FORMATS
from salient.data.images import read_image, read_mask, read_size

# What must not pass unseen: any change of a PNG, which has checksums, and a lost end of any other.
SEEN = {"PNG": {"cut", "zeros", "noise", "bit", "gap"}}
SEEN |= {key: {"cut", "zeros"} for key in ("JPEG", "WEBP", "AVIF", "GIF", "JPEG2000")}
SIZE = (160, 120)
MOST_SECONDS = 5  # for one of these small pictures


class Damaged(NamedTuple):
    """A file's content, its format and its damage, and the pixels before it, if it had any."""

    format: str
    damage: str
    content: bytes
    pixels: np.ndarray | None


def whole_pictures(rng: np.random.Generator) -> dict[str, bytes]:
    """A picture as a file of every format."""
    areas = cv2.resize(rng.random((6, 8, 3)), SIZE, interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, 0.05, areas.shape)
    picture = Image.fromarray(((areas + grain).clip(0, 1) * 255).astype(np.uint8))
    files = {}
    for name in FORMATS.keys() - {"PSD", "QOI"}:  # those two Pillow does not write in all versions
        content = BytesIO()
        picture.save(content, name, quality=95)
        files[name] = content.getvalue()
    return files


def spoil(content: bytes, damage: str, dice: random.Random) -> bytes:
    """The content of a file with one damage, somewhere behind its first bytes."""
    at = dice.randrange(12, len(content) - 4)
    length = min(dice.choice([8, 64, 400]), len(content) - at)
    if damage == "cut":
        return content[:at]
    if damage == "zeros":  # as a file that was allotted and not written to its end
        at = min(at, len(content) - 64)
        return content[:at] + bytes(len(content) - at)
    if damage == "noise":
        return content[:at] + dice.randbytes(length) + content[at + length :]
    if damage == "gap":
        return content[:at] + content[at + length :]
    if damage == "head":
        return dice.randbytes(at) + content[at:]
    assert damage == "bit"
    return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]


def no_pictures(dice: random.Random) -> Iterator[Damaged]:
    """Files that are none of the formats, whatever their names say."""
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    for content in (b"", b"\0" * 999, postscript, b"<svg/>", b"PK\3\4", dice.randbytes(2000)):
        yield Damaged("none", "other", content, None)


def damaged_pictures(count: int, seed: int = 0) -> Iterator[Damaged]:
    """So many damaged pictures, the same ones for one seed."""
    dice, rng = random.Random(seed), np.random.default_rng(seed)
    yield from no_pictures(dice)
    files = [(*item, read_image(item[1])) for item in sorted(whole_pictures(rng).items())]
    for _ in range(count):
        name, content, pixels = dice.choice(files)
        damage = dice.choice(["cut", "zeros", "noise", "gap", "bit", "head"])
        yield Damaged(name, damage, spoil(content, damage, dice), pixels)


def outcome(damaged: Damaged, path: Path) -> str:
    """`clear`, `whole` or `altered`; `silent` and `traceback` are faults."""
    path.write_bytes(damaged.content)
    start = time.perf_counter()
    try:
        pixels = read_image(path)
        read_mask(path)
        read_size(path)
    except ValueError as error:
        said = str(error)
        result = "clear" if path.name in said and "\n" not in said else "traceback"
    except Exception:
        result = "traceback"
    else:
        same = damaged.pixels is not None and np.array_equal(pixels, damaged.pixels)
        unseen = damaged.damage in SEEN.get(damaged.format, {"cut"})
        result = "whole" if same else "silent" if unseen else "altered"
    return result if time.perf_counter() - start < MOST_SECONDS else "slow"


def tally(count: int, seed: int, folder: Path) -> tuple[Counter[tuple[str, str]], list[Damaged]]:
    """How many came to what, by (format, outcome), and those that are faults."""
    counts: Counter[tuple[str, str]] = Counter()
    faults = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for damaged in damaged_pictures(count, seed):
            result = outcome(damaged, folder / "damaged.png")
            counts[damaged.format, result] += 1
            if result in ("silent", "traceback", "slow"):
                faults.append(damaged)
    return counts, faults


def main() -> None:
    """Print a table; keep the faults' files in the working folder; exit 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=5000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts, faults = tally(arguments.count, arguments.seed, Path(folder))
    columns = ("clear", "whole", "altered", "silent", "traceback", "slow")
    print(f"{'format':<10}" + "".join(f"{column:>10}" for column in ("tried", *columns)))
    for (_, column), count in list(counts.items()):
        counts["all", column] += count
    for name in sorted({name for name, _ in counts}):
        row = [counts[name, column] for column in columns]
        print(f"{name:<10}" + "".join(f"{number:>10}" for number in (sum(row), *row)))
    for number, fault in enumerate(faults[:20]):
        path = Path(f"fault-{number}-{fault.damage}.{fault.format.lower()}")
        path.write_bytes(fault.content)
        print(f"kept {path}")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
