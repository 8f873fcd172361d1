"""Convert colours to sRGB, and more than 8 bits to 8, as networks expect."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from salient.arrays import Map

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
SAME = 2  # levels: a profile that changes no colour by more counts as sRGB
MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}  # ICC's names and Pillow's
UNIT = 2.0  # floats up to here count as 0..1: filters overshoot it a little
OVERSHOOT = 0.25  # of white: how far a value may be below black or above white


def to_srgb(picture: Image.Image, icc: bytes | None) -> tuple[Image.Image, str | None]:
    """A picture without transparency -> RGB with sRGB's colours, and a remark if there is one.

    LittleCMS converts, relative colorimetric with black point compensation. Without a profile, RGB
    and grey count as sRGB, and CMYK is converted with Pillow's formula. A picture with sRGB's
    profile is returned unchanged.
    """
    if picture.mode not in ("RGB", "L", "CMYK", "LAB"):
        picture = picture.convert("RGB")
    if icc is None and picture.mode != "LAB":
        return picture.convert("RGB"), None
    try:
        mode, transform = _transform(icc)
        if mode == "RGB" and picture.mode == "L":
            picture = picture.convert("RGB")
        if mode != picture.mode:
            raise ValueError(f"it is for {mode}, the pixels are {picture.mode}")
        if transform is None:
            return picture, None
        converted = transform.apply(picture)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        if picture.mode == "LAB":
            raise
        return picture.convert("RGB"), f"its colour profile is left out: {error}"
    converted.info.pop("icc_profile", None)
    return converted, None


@lru_cache(maxsize=32)
def _transform(icc: bytes | None) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """A profile's mode, and the transform of its pixels to sRGB; None if they are sRGB already."""
    profile = ImageCms.ImageCmsProfile(
        ImageCms.createProfile("LAB") if icc is None else BytesIO(icc)
    )
    mode = MODES.get(profile.profile.xcolor_space)
    if mode is None:
        raise ValueError(f"its colour space {profile.profile.xcolor_space.strip()} is not known")
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(profile, srgb, mode, "RGB", INTENT, FLAGS)
    if mode == "RGB":
        grid = np.stack(np.meshgrid(*[np.arange(0, 256, 17)] * 3), -1).astype(np.uint8)
        grid = grid.reshape(16, -1, 3)
        converted = np.asarray(transform.apply(Image.fromarray(grid)))
        if np.abs(converted.astype(int) - grid).max() <= SAME:
            return mode, None
    return mode, transform


def is_deep(picture: Image.Image) -> bool:
    """Whether a picture is grey with more than 8 bits."""
    return picture.mode.startswith("I") or picture.mode == "F"


def eight_bits(picture: Image.Image, white: float | None = None) -> Map:
    """Grey with more than 8 bits -> uint8 H,W; floats below black or above white are clipped.

    Args:
        picture: of Pillow's mode I, I;16 or F.
        white: the value that becomes 255, such as 1, 4095 or 65535; by default from `find_white`.

    Raises:
        ValueError: values have no known scale, are NaN, or are outside 0..white (floats by more
            than a quarter).
    """
    values = np.asarray(picture)
    low, high = float(values.min()), float(values.max())
    scale = find_white(high, picture.mode) if white is None else white
    slack = (scale or 0) * (OVERSHOOT if picture.mode == "F" else 0)
    if not (scale and low >= -slack and high <= scale + slack):
        known = (
            "of an unknown scale"
            if white is None
            else f"outside 0..{white:g}, the range that white= sets"
        )
        raise ValueError(f"values from {low:g} to {high:g}, {known}")
    if scale == 65535:
        values = values // 256  # the upper byte
    elif scale != 255 or picture.mode == "F":
        values = np.rint(values * (255 / scale))
    return values.clip(0, 255).astype(np.uint8)


def dark_remark(picture: Image.Image) -> str | None:
    """A remark if a 16-bit picture uses so few bits that it comes out nearly black."""
    high = int(np.asarray(picture).max())
    bits = high.bit_length()
    if picture.mode == "F" or not 9 <= bits <= 14:
        return None
    return (
        f"its largest value is {high} of 65535, so it is read as nearly black; "
        f"if it has {max(bits, 10)} bits, white={2 ** max(bits, 10) - 1} says so"
    )


def find_white(high: float, mode: str) -> float | None:
    """The value of white, from the largest value of a picture or of a whole folder.

    Floats up to UNIT count as 0..1, values up to 255 as 0..255 (floats up to a quarter more), and
    larger ones as 0..65535. None if there is no such scale.
    """
    if mode == "F" and high <= UNIT:
        return 1
    if high <= (255 * (1 + OVERSHOOT) if mode == "F" else 255):
        return 255
    return 65535 if high < 65536 else None
