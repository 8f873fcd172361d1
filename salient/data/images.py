"""Pictures of any kind -> arrays, the same way for training, scoring and detection."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from salient.arrays import Map, Picture
from salient.data.colours import dark_remark, eight_bits, is_deep, to_srgb
from salient.data.decoding import decode, errors_named, open_header, orientation, upright
from salient.data.encoding import kept_exif, known_dpi


class Photo(NamedTuple):
    """A picture and the metadata of its file.

    Attributes:
        rgb: the input for a network: sRGB uint8 H,W,3, upright, over white where transparent.
        own: uint8 H,W,3 in the colours of `profile`, including colours under transparency.
        straight: the same in sRGB.
        alpha: uint8 H,W; None if nothing is transparent.
        profile: the ICC profile of `own`; None for sRGB.
        exif: the EXIF data that are kept, see `kept_exif`.
        dpi: pixels per inch across and down, if the file has them.
        remarks: notes for the user on how the file was read.
    """

    rgb: Picture
    own: Picture
    straight: Picture
    alpha: Map | None = None
    profile: bytes | None = None
    exif: bytes = b""
    dpi: tuple[float, float] | None = None
    remarks: tuple[str, ...] = ()


class Header(NamedTuple):
    """The header of a picture's file.

    Attributes:
        size: height and width as stored.
        orientation: of EXIF, 1..8; 1 is upright.
        deep: whether the picture is grey with more than 8 bits.
    """

    size: tuple[int, int]
    orientation: int
    deep: bool

    def shown(self, turn: bool = True) -> tuple[int, int]:
        """Height and width as displayed, or as stored if `turn` is False."""
        return self.size[::-1] if turn and self.orientation >= 5 else self.size


def read_photo(source: Any, white: float | None = None, turn: bool = True) -> Photo:
    """Read a picture of any kind into arrays.

    Colours are converted to sRGB with the file's ICC profile; grey, palettes and CMYK become RGB.
    `eight_bits` converts more than 8 bits. An animation gives its first frame, a TIFF its largest
    page, and a photo with an HDR gain map its base image, as displayed on any screen.

    Args:
        source: a path; a file's content, or a file open in binary; a Pillow image; an array, RGB
            uint8 H,W,3; a tensor, RGB uint8 H,W,3 or 3,H,W; or a `Photo`.
        white: the value of white in grey with more than 8 bits; None decides by the largest value.
        turn: whether to rotate it as its EXIF tag says.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a readable picture, is damaged, or does not fit into memory;
            the message names it. Or an array has another shape or type, or it is no picture at all.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, os.PathLike):
        source = Path(source)
    if hasattr(source, "detach") and hasattr(source, "cpu"):
        source = _of_tensor(source)
    if isinstance(source, np.ndarray):
        return Photo(_checked(source), source, source)
    if not isinstance(source, Image.Image | str | Path | bytes | bytearray | memoryview) and (
        not hasattr(source, "read")
    ):
        raise ValueError(
            "a picture is a path, a file's content, an open file, a PIL image, an array or a "
            f"tensor; got {type(source).__name__}"
        )
    with errors_named(source):
        remarks = list[str]()
        if not isinstance(source, Image.Image):
            source, remarks = decode(source)
        return _of_pillow(source, white, turn, remarks)


def read_image(source: Any, over: str | None = "white", turn: bool = True) -> Picture:
    """A picture of any kind -> sRGB uint8 H,W,3, as `read_photo` reads it.

    `over=None` ignores transparency and the colour profile, as most other programs do.

    Raises:
        FileNotFoundError, ValueError: as `read_photo`.
    """
    picture = read_photo(source, turn=turn)
    return picture.rgb if over is not None else picture.own


def read_mask(path: str | Path, white: float | None = None, turn: bool = True) -> Map:
    """A mask or map of any mode (1, L, LA, P, RGB, RGBA, 16 bits) -> grey uint8 H,W.

    Colours become ITU-R 601 luma, and mode 1 becomes 0 and 255. Transparency and profiles are
    ignored. `eight_bits` converts more than 8 bits. Raises as `read_photo`.
    """
    return read_layers(path, white, turn)[0]


def read_layers(
    path: str | Path, white: float | None = None, turn: bool = True
) -> tuple[Map, Map | None]:
    """A mask or map as read by `read_mask`, and its transparency uint8 H,W, if it has any."""
    with errors_named(path):
        picture, _ = decode(path)
        if turn:
            picture = upright(picture)
        if is_deep(picture):
            return eight_bits(picture, white), None
        alpha = None
        if picture.has_transparency_data:
            alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
        if picture.mode == "P":
            picture = picture.convert("RGB")
        return np.asarray(picture.convert("L")), alpha


def read_header(file: str | Path | BinaryIO) -> Header:
    """Read the header of a picture's file. Raises as `read_photo`."""
    with errors_named(file), open_header(file) as picture:
        return Header((picture.height, picture.width), orientation(picture), is_deep(picture))


def read_size(file: str | Path | BinaryIO, turn: bool = True) -> tuple[int, int]:
    """Height and width of a picture as displayed, from its header. Raises as `read_photo`."""
    return read_header(file).shown(turn)


def read_range(path: str | Path) -> tuple[float, str]:
    """The largest value of a picture of one layer, and Pillow's mode. Raises as `read_photo`."""
    with errors_named(path):
        picture, _ = decode(path)
        return float(np.asarray(picture).max()), picture.mode


def _of_pillow(picture: Image.Image, white: float | None, turn: bool, remarks: list[str]) -> Photo:
    if 0 in picture.size:
        raise ValueError(f"it has no pixels: {picture.width} x {picture.height}")
    icc, dpi = picture.info.get("icc_profile"), known_dpi(picture)
    orientation(picture)  # refuses invalid EXIF data
    exif = _exif(picture, remarks)
    picture = upright(picture) if turn else picture
    if is_deep(picture):
        dark = dark_remark(picture) if white is None else None
        remarks += [dark] if dark else []
        picture = Image.fromarray(eight_bits(picture, white))
    layer = picture.convert("RGBA") if picture.has_transparency_data else None
    alpha = None if layer is None else np.asarray(layer.getchannel("A"))
    opaque = picture if layer is None else layer.convert("RGB")
    srgb, remark = to_srgb(opaque, icc)
    remarks += [remark] if remark else []
    own, profile = np.asarray(srgb), None
    if opaque.mode == "RGB" and srgb is not opaque and remark is None and icc:
        own, profile = np.asarray(opaque), icc
    rgb = straight = np.asarray(srgb)
    if layer is not None:
        srgb.putalpha(layer.getchannel("A"))
        ground = Image.new("RGBA", srgb.size, "white")
        rgb = np.asarray(Image.alpha_composite(ground, srgb).convert("RGB"))
    return Photo(rgb, own, straight, alpha, profile, exif, dpi, tuple(remarks))


def _exif(picture: Image.Image, remarks: list[str]) -> bytes:
    try:
        return kept_exif(picture)
    except Exception as error:  # tags that can be read but not written
        remarks.append(f"its EXIF data are damaged and left out: {error}")
        return b""


def _of_tensor(tensor: Any) -> Picture:
    shape = tuple(tensor.shape)
    if len(shape) == 3 and shape[0] == 3 and shape[2] == 3:
        raise ValueError(f"a tensor of shape {shape} may be H,W,3 or 3,H,W; give an array H,W,3")
    array = np.asarray(tensor.detach().cpu().numpy())
    return np.ascontiguousarray(array.transpose(1, 2, 0)) if shape[:1] == (3,) else array


def _checked(array: Picture) -> Picture:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or not array.size:
        shape = f"{array.dtype} {array.shape}"
        raise ValueError(f"a picture is an RGB array uint8 of shape (H, W, 3), got {shape}")
    return array
