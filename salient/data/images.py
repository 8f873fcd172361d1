"""Picture files -> arrays, the same way for training, scoring and detection."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """A picture file of any mode -> RGB uint8 H,W,3, turned as its EXIF tag says.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no readable picture; the message names it.
    """
    return np.asarray(_decode(path).convert("RGB"))


def read_mask(path: str | Path) -> NDArray[np.uint8]:
    """A mask or map of any mode (1, L, LA, P, RGB, RGBA, 16 bits) -> grey uint8 H,W.

    Colours become ITU-R 601 luma, 16 bits their upper 8, mode 1 the values 0 and 255; transparency
    is left out. Raises as `read_image`.
    """
    if str(path).lower().endswith(".png"):  # OpenCV gives the same bytes in less time
        quick = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if quick is not None and quick.ndim == 2 and quick.dtype == np.uint8:
            return np.asarray(quick, dtype=np.uint8)
    picture = _decode(path)
    if picture.mode.startswith("I"):
        return (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    if picture.mode == "P":
        picture = picture.convert("RGB")
    return np.asarray(picture.convert("L"))


def read_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a picture as displayed, from its header alone. Raises as `read_image`."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) >= 5
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return (width, height) if turned else (height, width)


def _decode(path: str | Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str | Path, error: Exception) -> Exception:
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(f"no picture {path}")
    return ValueError(f"{path}: not a readable picture ({error})")
