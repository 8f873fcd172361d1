"""Damage that decoders let through: a picture is whole, or it is refused.

Pillow does not compare the checksums of a PNG's pixels, and fills what a JPEG lacks with grey. A
JPEG has no checksum: a changed bit that can still be decoded is found by nobody.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

# In a JPEG's scan, FF before 00 is a byte FF, before D0..D7 a restart, before FF a filler.
NEXT_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
END_OF_IMAGE = 0xD9


def check_png(content: bytes) -> None:
    """Compare the checksum of every chunk, up to the closing one (PNG 1.2, section 3.4).

    Raises:
        ValueError: a checksum is wrong, or the file ends early.
    """
    view, start = memoryview(content), 8
    while content[start + 4 : start + 8] != b"IEND":
        end = start + 8 + int.from_bytes(view[start : start + 4])
        stored = view[end : end + 4]
        if len(stored) < 4:
            raise ValueError("the file is cut off")
        if zlib.crc32(view[start + 4 : end]) != int.from_bytes(stored):
            raise ValueError("a checksum is wrong: the file is damaged")
        start = end + 4


def check_jpeg(content: bytes) -> None:
    """Follow the segments to the end of the first picture (ITU-T T.81, annex B).

    Raises:
        ValueError: the file ends early, or its tail was overwritten.
    """
    position = 2
    while match := NEXT_MARKER.search(content, position):
        marker, position = match[0][-1], match.end()
        if marker == END_OF_IMAGE:
            return
        position += int.from_bytes(content[position : position + 2])
    raise ValueError("the end of the picture is missing: the file is cut off or overwritten")


def check_tail(content: bytes) -> None:
    """A compressed picture does not end in zeros; what was allotted and never written does.

    Raises:
        ValueError: the last 64 bytes are zero.
    """
    if not any(content[-64:]):
        raise ValueError("the end of the file was never written: it is all zeros")


CHECKS: dict[str | None, Callable[[bytes], None]] = {
    "PNG": check_png,
    "JPEG": check_jpeg,
    "MPO": check_jpeg,
    "WEBP": check_tail,
    "AVIF": check_tail,
}
