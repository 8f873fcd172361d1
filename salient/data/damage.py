"""Find damage that decoders let through, and refuse such pictures.

Pillow does not compare the checksums of a PNG's pixels, and fills the missing part of a JPEG with
grey. JPEG has no checksum: a changed bit that still decodes cannot be detected.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from PIL import Image

# In a JPEG's scan, FF before 00 is a byte FF, before D0..D7 a restart, before FF a filler.
NEXT_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
END_OF_IMAGE = 0xD9
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"tIME")  # chunks that do not affect the pixels
TAIL = 64  # bytes at a file's end that are checked
SPARE = 8  # a complete WebP cannot be decoded without this many zeros at its end


def without_bad_text(content: bytes) -> tuple[bytes, list[str]]:
    """Compare the checksum of every chunk of a PNG, up to the closing one (PNG 1.2, section 3.4).

    Returns:
        The content without texts that have a wrong checksum, and the names of those chunks.

    Raises:
        ValueError: the checksum of another chunk is wrong, or the file ends early.
    """
    view, start, bad = memoryview(content), len(PNG), list[slice]()
    while content[start + 4 : start + 8] != b"IEND":
        end = start + 8 + int.from_bytes(view[start : start + 4])
        stored = view[end : end + 4]
        if len(stored) < 4:
            raise ValueError("the file is cut off")
        if zlib.crc32(view[start + 4 : end]) != int.from_bytes(stored):
            if content[start + 4 : start + 8] not in TEXTS:
                raise ValueError("a checksum is wrong: the file is damaged")
            bad.append(slice(start, end + 4))
        start = end + 4
    names = [content[chunk.start + 4 : chunk.start + 8].decode() for chunk in bad]
    for chunk in reversed(bad):
        content = content[: chunk.start] + content[chunk.stop :]
    return content, names


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


def check_boxes(content: bytes) -> None:
    """Follow the boxes of an AVIF or HEIF file to its end (ISO/IEC 14496-12, section 4.2).

    Raises:
        ValueError: a box goes beyond the end, or the end of the last one was never written.
    """
    start, end_of_data = 0, len(content)
    while start + 8 <= len(content):
        size, name = int.from_bytes(content[start : start + 4]), content[start + 4 : start + 8]
        if size == 1:
            size = int.from_bytes(content[start + 8 : start + 16])
        if size == 0:  # up to the end of the file
            size = len(content) - start
        if size < 8 or start + size > len(content):
            raise ValueError("the end of a part is missing: the file is cut off or overwritten")
        start += size
        if name not in (b"free", b"skip"):
            end_of_data = start
    if not any(content[max(end_of_data - TAIL, 0) : end_of_data]):
        raise ValueError("the end of the file was never written: it is all zeros")


def check_webp(content: bytes, open_content: Callable[[bytes], Image.Image]) -> None:
    """Check whether a WebP that ends in zeros was written to its end.

    The data of a white picture do end in zeros, and the decoder needs them all. Zeros that were
    never written are not all read, so decoding works without a few of them.

    Args:
        content: of a file that can be opened.
        open_content: Pillow's reader.

    Raises:
        ValueError: the file decodes without its end, so the end was never written.
    """
    if any(content[-TAIL:]):
        return
    try:
        picture = open_content(shorter_webp(content, SPARE))
        picture.seek(picture.n_frames - 1)  # type: ignore[attr-defined]
        picture.load()
    except Exception:  # the decoder misses the end, whatever it raises
        return
    raise ValueError("the end of the file was never written: it is all zeros")


def shorter_webp(content: bytes, less: int) -> bytes:
    """A WebP file without `less` bytes at its end, with the lengths of its chunks adjusted."""
    shorter, stop = bytearray(content[: len(content) - less]), len(content)
    ends, start = [4], 12  # the places of the lengths to adjust
    while start + 8 <= stop:
        name, size = content[start : start + 4], _little(content, start + 4)
        if start + 8 + size + size % 2 >= stop:
            ends.append(start + 4)
            if name != b"ANMF":
                break
            start += 8 + 16  # into the frame, after its header
        else:
            start += 8 + size + size % 2
    for at in ends:
        shorter[at : at + 4] = (_little(content, at) - less).to_bytes(4, "little")
    return bytes(shorter)


def _little(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "little")


CHECKS: dict[str | None, Callable[[bytes], None]] = {
    "JPEG": check_jpeg,
    "MPO": check_jpeg,
    "AVIF": check_boxes,
    "HEIF": check_boxes,
}
