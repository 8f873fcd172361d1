"""Arrays -> PNG, WebP and JPEG, with the metadata that is kept."""

from __future__ import annotations

import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, get_args

from PIL import Image
from PIL.ExifTags import IFD, Base

from salient.arrays import Drawing

Format = Literal["png", "webp", "jpg"]
QUALITY = 90  # default of WebP and JPEG
# By the extension of a name.
ENDINGS: dict[str, Format] = {".png": "png", ".webp": "webp", ".jpg": "jpg", ".jpeg": "jpg"}
KEPT_EXIF = (
    *(Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.Copyright),
    *(Base.ImageDescription, Base.XPTitle, Base.XPAuthor, Base.XPComment, Base.XPKeywords),
)
DROPPED_EXIF = (0x927C, 0xA002, 0xA003, 0xA005)  # maker's notes, sizes, interoperability


def encode(
    picture: Drawing,
    format: Format = "png",
    quality: int | None = None,
    *,
    profile: bytes | None = None,
    exif: bytes = b"",
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """An image uint8 H,W or H,W,3 or H,W,4 -> the content of a file.

    Args:
        picture: the image.
        format: `png`; `webp`, which is lossless at quality 100; or `jpg`.
        quality: of WebP and JPEG, 1..100; by default QUALITY.
        profile: the ICC profile of its colours; None for sRGB, which is not stored.
        exif: EXIF data.
        dpi: pixels per inch across and down.

    Raises:
        ValueError: a JPEG would be transparent, a side is too long for the format, or there is no
            such format.
    """
    more: dict[str, Any] = {"icc_profile": profile or None}
    more |= {"exif": exif} if exif else {}
    more |= {"dpi": dpi} if dpi and format != "webp" else {}
    quality = QUALITY if quality is None else quality
    if format == "png":
        return encode_png(picture, **more)
    if format not in get_args(Format):
        raise ValueError(f"format: {format!r} is not valid; there are png, webp and jpg")
    if format == "jpg" and picture.shape[2:] == (4,):
        raise ValueError(
            "a JPEG cannot be transparent; use png or webp, or cutout.background=white"
        )
    content = BytesIO()
    try:
        if format == "webp":
            exact = picture.shape[2:] == (4,)
            more |= {"lossless": True} if quality == 100 else {"quality": quality}
            Image.fromarray(picture).save(content, "WEBP", exact=exact, method=4, **more)
        else:
            Image.fromarray(picture).save(content, "JPEG", quality=quality, subsampling=0, **more)
    except (OSError, ValueError) as error:
        shape = " x ".join(map(str, picture.shape[1::-1]))
        raise ValueError(f"a picture of {shape} cannot be written as {format}: {error}") from error
    return content.getvalue()


def format_of(path: str | Path) -> Format:
    """The format of a file's extension.

    Raises:
        ValueError: the extension is not one of a format that is written.
    """
    format = ENDINGS.get(Path(str(path)).suffix.lower())
    if format is None:
        raise ValueError(f"{path}: the name must end in one of {', '.join(ENDINGS)}")
    return format


def encode_png(picture: Drawing, **more: Any) -> bytes:
    """An image uint8 H,W or H,W,3 or H,W,4 -> the content of a PNG.

    zlib's runs of equal bytes suit the filtered rows of a PNG: see docs/benchmarks.md.
    """
    content = BytesIO()
    options = dict(compress_level=4, compress_type=zlib.Z_RLE)
    Image.fromarray(picture).save(content, "PNG", **options, **more)
    return content.getvalue()


def kept_exif(picture: Image.Image) -> bytes:
    """The EXIF data of a picture that can go into another, upright file.

    Thumbnails, sizes, the orientation and the maker's notes (their offsets would be wrong) are left
    out. The GPS position is kept here, see `without_place`. Empty if nothing is left.

    Raises:
        Whatever Pillow raises on tags that it can read but not write.
    """
    source, kept = picture.getexif(), Image.Exif()
    for tag in KEPT_EXIF:
        if tag in source:
            kept[tag] = source[tag]
    for part in (IFD.Exif, IFD.GPSInfo):
        values = {k: v for k, v in source.get_ifd(part).items() if k not in DROPPED_EXIF}
        if values:
            kept.get_ifd(part).update(values)
    held = len(kept) or any(kept.get_ifd(part) for part in (IFD.Exif, IFD.GPSInfo))
    return kept.tobytes() if held else b""


def without_place(exif: bytes) -> bytes:
    """EXIF data of `kept_exif` without the GPS position."""
    if not exif:
        return b""
    source, kept = Image.Exif(), Image.Exif()
    source.load(exif)
    for tag in KEPT_EXIF:
        if tag in source:
            kept[tag] = source[tag]
    kept.get_ifd(IFD.Exif).update(source.get_ifd(IFD.Exif))
    return kept.tobytes() if len(kept) or kept.get_ifd(IFD.Exif) else b""


def known_dpi(picture: Image.Image) -> tuple[float, float] | None:
    """Pixels per inch across and down, if a picture has plausible ones."""
    with suppress(KeyError, TypeError, ValueError, ZeroDivisionError):
        across, down = (float(value) for value in picture.info["dpi"])
        return (across, down) if 1 < across < 1e5 and 1 < down < 1e5 else None
    return None
