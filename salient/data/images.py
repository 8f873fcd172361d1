"""Picture files -> arrays, the same way for training, scoring and detection; arrays -> PNG."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from salient.arrays import Drawing, Map, Picture
from salient.data.damage import CHECKS

WARN_PIXELS = 200_000_000  # Pillow warns above it, and refuses twice as many
_OPENING = threading.Lock()  # while Pillow's own limit is ours
File = str | Path | bytes | BinaryIO  # a path, a file's content, or an open file

# The formats that are read, and how the names of their files end. Left out are those whose readers
# start programs (PostScript, WMF) and those without a signature, which take any bytes for a picture
# (TGA, PCX).
FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "QOI": (".qoi",),
    "SGI": (".sgi",),
    "ICO": (".ico",),
    "PSD": (".psd",),
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)

ORIENTATION = 0x0112  # the EXIF tag; by its value, what brings a picture upright
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(file: File, over: str | None = "white") -> Picture:
    """A picture of any kind -> RGB uint8 H,W,3, as `to_rgb` makes it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no readable picture, is damaged, or is too large for the memory; the
            message names it.
    """
    with _errors_named(file):
        return to_rgb(_decode(file), over)


def to_rgb(picture: Image.Image, over: str | None = "white") -> Picture:
    """A picture of any mode -> RGB uint8 H,W,3, turned as its EXIF tag says.

    Transparency is laid `over` a colour, or with None left out; 16 bits become 8 as in `read_mask`;
    CMYK, palettes and grey become RGB; of an animation it is the first frame (or the one that
    Pillow stands at).
    """
    picture = _upright(picture)
    if _is_deep(picture):
        return np.repeat(_eight_bits(picture)[..., None], 3, axis=2)
    if over is not None and picture.has_transparency_data:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, over)
        picture = Image.alpha_composite(ground, layer)
    return np.asarray(picture.convert("RGB"))


def read_mask(path: str | Path) -> Map:
    """A mask or map of any mode (1, L, LA, P, RGB, RGBA, 16 bits) -> grey uint8 H,W.

    Colours become ITU-R 601 luma, mode 1 the values 0 and 255; transparency is left out. 16 bits
    become their upper 8, but stay as they are if none is above 255; floats in [0, 1] are stretched
    to 0..255. Turned and refused as `read_image` does.
    """
    return read_layers(path)[0]


def read_layers(path: str | Path) -> tuple[Map, Map | None]:
    """A mask or map as `read_mask` reads it, and its transparency uint8 H,W, if it has any."""
    with _errors_named(path):
        picture = _upright(_decode(path))
        if _is_deep(picture):
            return _eight_bits(picture), None
        alpha = None
        if picture.has_transparency_data:
            alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
        if picture.mode == "P":
            picture = picture.convert("RGB")
        return np.asarray(picture.convert("L")), alpha


def read_size(file: str | Path | BinaryIO) -> tuple[int, int]:
    """Height and width of a picture as displayed, from its header alone. Raises as `read_image`."""
    with _errors_named(file), _open(file) as picture:
        width, height = picture.size
        return (width, height) if _orientation(picture) >= 5 else (height, width)


def encode_png(picture: Drawing) -> bytes:
    """An image uint8 H,W or H,W,3 or H,W,4 -> the content of a PNG.

    Of zlib's ways, runs of equal bytes fit PNG's filtered rows: docs/detecting.md has the figures.
    """
    content = BytesIO()
    Image.fromarray(picture).save(content, "PNG", compress_level=4, compress_type=zlib.Z_RLE)
    return content.getvalue()


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1..8."""
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except Exception as error:
        raise ValueError(f"its EXIF data are damaged: {error}") from error
    return value if value in TURNS else 1


def _upright(picture: Image.Image) -> Image.Image:
    turn = TURNS.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _is_deep(picture: Image.Image) -> bool:
    """Whether it is grey of more than 8 bits."""
    return picture.mode.startswith("I") or picture.mode == "F"


def _eight_bits(picture: Image.Image) -> Map:
    """Grey of more than 8 bits -> uint8 H,W, see `read_mask`."""
    values = np.asarray(picture)
    low, high = values.min(), values.max()
    if not (low >= 0 and high < 65536):  # NaN too
        raise ValueError(f"values from {low:g} to {high:g}, of no known scale")
    if picture.mode == "F" and high <= 1:
        values = np.rint(values * 255)
    elif high > 255:
        values = values // 256
    return np.asarray(values.astype(np.uint8))


def _open(file: str | Path | BinaryIO) -> Image.Image:
    """Read a picture's header, under our limit of pixels; Pillow's for others stays as it is."""
    with _OPENING:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, WARN_PIXELS
        try:
            return Image.open(file, formats=list(FORMATS))
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def _decode(file: File) -> Image.Image:
    if isinstance(file, str | Path):
        content = Path(file).read_bytes()
    elif isinstance(file, bytes):
        content = file
    else:
        if file.seekable():
            file.seek(0)
        content = file.read()
    picture = _open(BytesIO(content))
    if picture.format in CHECKS:
        CHECKS[picture.format](content)
    picture.load()
    return picture


@contextmanager
def _errors_named(file: File) -> Iterator[None]:
    """Decoders raise anything on damaged files: here it becomes one kind that names the file."""
    name = str(file) if isinstance(file, str | Path) else getattr(file, "name", "the picture given")
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no picture {name}") from error
    except MemoryError as error:
        raise ValueError(f"{name}: too large for the memory") from error
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{name}: not a readable picture (of no format that is read: {', '.join(FORMATS)})"
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{name}: not a readable picture ({reason})") from error
