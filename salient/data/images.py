"""Picture files -> arrays, the same way for training, scoring and detection."""

from __future__ import annotations

import threading
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

WARN_PIXELS = 200_000_000  # Pillow warns above it, and refuses twice as many
_OPENING = threading.Lock()  # while Pillow's own limit is ours
File = str | Path | bytes | BinaryIO  # a path, a file's content, or an open file
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def read_image(file: File, over: str | None = "white") -> NDArray[np.uint8]:
    """A picture of any kind -> RGB uint8 H,W,3, as `to_rgb` makes it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no readable picture; the message names it.
    """
    return to_rgb(_decode(file), over)


def to_rgb(picture: Image.Image, over: str | None = "white") -> NDArray[np.uint8]:
    """A picture of any mode -> RGB uint8 H,W,3, turned as its EXIF tag says.

    Transparency is laid `over` a colour, or with None left out; 16-bit grey gives its upper 8 bits;
    CMYK, palettes and grey become RGB; of an animation it is the first frame (or the one that
    Pillow stands at).
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        return np.repeat(_eight_bits(picture)[..., None], 3, axis=2)
    if over is not None and picture.has_transparency_data:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, over)
        picture = Image.alpha_composite(ground, layer)
    return np.asarray(picture.convert("RGB"))


def read_mask(path: str | Path) -> NDArray[np.uint8]:
    """A mask or map of any mode (1, L, LA, P, RGB, RGBA, 16 bits) -> grey uint8 H,W.

    Colours become ITU-R 601 luma, 16 bits their upper 8, mode 1 the values 0 and 255; transparency
    is left out. Raises as `read_image`.
    """
    if str(path).lower().endswith(".png"):  # OpenCV gives the same bytes in less time
        quick = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if quick is not None and quick.ndim == 2 and quick.dtype == np.uint8:
            return np.asarray(quick, dtype=np.uint8)
    picture = ImageOps.exif_transpose(_decode(path))
    if picture.mode.startswith("I"):
        return _eight_bits(picture)
    if picture.mode == "P":
        picture = picture.convert("RGB")
    return np.asarray(picture.convert("L"))


def read_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a picture as displayed, from its header alone. Raises as `read_image`."""
    try:
        with _open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) >= 5
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    return (width, height) if turned else (height, width)


def _eight_bits(picture: Image.Image) -> NDArray[np.uint8]:
    """The upper 8 of a picture's 16 bits, H,W."""
    return (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)


def _open(file: str | Path | BinaryIO) -> Image.Image:
    """Read a picture's header, under our limit of pixels; Pillow's for others stays as it is."""
    with _OPENING:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, WARN_PIXELS
        try:
            return Image.open(file)
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def _decode(file: File) -> Image.Image:
    try:
        with _open(BytesIO(file) if isinstance(file, bytes) else file) as picture:
            picture.load()
            return picture.copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: File, error: Exception) -> Exception:
    name = str(file) if isinstance(file, str | Path) else getattr(file, "name", "the picture given")
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(f"no picture {name}")
    return ValueError(f"{name}: not a readable picture ({error})")
