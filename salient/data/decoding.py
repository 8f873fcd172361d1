"""Files -> Pillow's pictures: within limits, checked for damage, with errors that name the file."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError

from salient.data.damage import CHECKS, PNG, check_webp, without_bad_text
from salient.data.formats import FORMATS, RAW, RAW_REMEDY, READABLE, prepare

WARN_PIXELS = 200_000_000  # Pillow warns above it, and refuses twice as many
MOST_PAGES = 1000  # of a TIFF that are considered
_OPENING = threading.Lock()  # held while Pillow's own limit is replaced by ours
File = str | Path | bytes | bytearray | memoryview | BinaryIO  # a path, content, or an open file

ORIENTATION = 0x0112  # the EXIF tag; below, the operation for each of its values
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SUBFILE, COLOURS, SUB_PAGES, DNG = 254, 262, 330, 50706  # TIFF's tags
REDUCED, CFA, LINEAR_RAW = 1, 32803, 34892  # a bit of SUBFILE; values of COLOURS in raw files
ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")


def decode(file: File) -> tuple[Image.Image, list[str]]:
    """The picture of a file with its pixels loaded, and remarks on parts that are left out.

    An animation gives its first picture, and a TIFF its largest page that is not a thumbnail.

    Raises:
        Whatever its decoder does; see `errors_named`.
    """
    content, remarks = _content(file), list[str]()
    if content.startswith(PNG):
        content, damaged = without_bad_text(content)
        remarks += [f"its {chunk} chunk is damaged and left out" for chunk in damaged]
    prepare(content[:32])
    picture = open_picture(BytesIO(content))
    if picture.format == "TIFF" and content[8:10] == b"CR":
        raise ValueError(RAW_REMEDY)
    check = CHECKS.get(picture.format)
    if check:
        check(content)
    if picture.format == "WEBP":
        check_webp(content, lambda part: open_picture(BytesIO(part)))
    remarks += choose_page(picture)
    picture.load()
    return picture, remarks


def open_picture(file: str | Path | BinaryIO) -> Image.Image:
    """Read a picture's header under our limit of pixels, without changing Pillow's for others."""
    with _OPENING:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, WARN_PIXELS
        try:
            return Image.open(file, formats=_known())
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def open_header(file: str | Path | BinaryIO) -> Image.Image:
    """A picture without its pixels, at the page that `decode` would read."""
    head = _head(file)
    prepare(head)
    try:
        picture = open_picture(file)
    except UnidentifiedImageError:
        if not head.startswith(PNG):
            raise
        picture = open_picture(BytesIO(without_bad_text(_content(file))[0]))
    choose_page(picture)
    return picture


def is_animated(path: str | Path) -> bool:
    """Whether a file is an animation of several pictures, by its header."""
    try:
        with open_picture(Path(path)) as picture:
            return picture.format in ANIMATED and _frames(picture) > 1
    except Exception:  # whatever is wrong with it is said when it is read
        return False


def choose_page(picture: Image.Image) -> list[str]:
    """Go to the main page of a TIFF; returns remarks on other pages, and on animations.

    Raises:
        ValueError: it is a camera raw file, in which only the preview could be read.
    """
    if picture.format in ANIMATED:
        frames = _frames(picture)
        own = picture.info.get("default_image")
        which = "its default image, which is none of them," if own else "the first"
        return [f"an animation of {frames} frames: {which} is read"] if frames > 1 else []
    if picture.format != "TIFF":
        return []
    sizes: dict[int, tuple[bool, int]] = {}
    for page in range(min(_frames(picture), MOST_PAGES)):
        picture.seek(page)
        tags: Any = picture.tag_v2  # type: ignore[attr-defined]
        reduced = bool(int(tags.get(SUBFILE, 0)) & REDUCED)
        raw = tags.get(COLOURS) in (CFA, LINEAR_RAW) or DNG in tags
        if raw or (reduced and SUB_PAGES in tags):
            raise ValueError(RAW_REMEDY)
        sizes[page] = not reduced, picture.width * picture.height
    chosen = max(sizes, key=sizes.__getitem__)
    picture.seek(chosen)
    full = sum(full for full, _ in sizes.values())
    return [f"page {chosen + 1} of {len(sizes)} is read"] if full > 1 else []


def _frames(picture: Image.Image) -> int:
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception:  # the first one may be whole
        return 1


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1..8."""
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except Exception as error:
        raise ValueError(f"its EXIF data are damaged: {error}") from error
    return value if value in TURNS else 1


def upright(picture: Image.Image) -> Image.Image:
    """The picture rotated as its EXIF tag says."""
    turn = TURNS.get(orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _content(file: File) -> bytes:
    if isinstance(file, str | Path):
        return Path(file).read_bytes()
    if isinstance(file, bytes | bytearray | memoryview):
        return bytes(file)
    if file.seekable():
        file.seek(0)
    content = file.read()
    if not isinstance(content, bytes):
        raise ValueError("it is open in text mode; open it in binary mode")
    return content


def _head(file: str | Path | BinaryIO) -> bytes:
    if isinstance(file, str | Path):
        with Path(file).open("rb") as stream:
            return stream.read(32)
    file.seek(0)
    head = file.read(32)
    file.seek(0)
    return head


def _known() -> list[str]:
    """The formats that this Pillow supports; it would fail on the name of another."""
    Image.init()
    return [name for name in READABLE if name in Image.OPEN]


@contextmanager
def errors_named(file: object) -> Iterator[None]:
    """Turn whatever decoders raise on damaged files into one kind of error that names the file."""
    name, path = "the picture given", isinstance(file, str | Path)
    if path or isinstance(getattr(file, "name", None), str):
        name = str(file) if path else file.name  # type: ignore[attr-defined]
    if path and re.match(r"[a-z][a-z0-9+.-]+://", name, re.I) and not Path(name).exists():
        raise ValueError(f"{name}: a web address; download the picture first")
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no picture {name}") from error
    except MemoryError as error:
        raise ValueError(f"{name}: not enough memory to read it") from error
    except UnidentifiedImageError as error:
        if Path(name).suffix.lower() in RAW:
            raise ValueError(f"{name}: {RAW_REMEDY}") from error
        raise ValueError(
            f"{name}: not a readable picture (in none of these formats: {', '.join(FORMATS)})"
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{name}: not a readable picture ({reason})") from error
