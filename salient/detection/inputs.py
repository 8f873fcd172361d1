"""What a detector takes for a picture, and that as an array."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from PIL import Image

from salient.arrays import Picture
from salient.data.images import read_image

if TYPE_CHECKING:
    from torch import Tensor


class Readable(Protocol):
    """A file that is open in binary, such as FastAPI's `UploadFile.file`."""

    def read(self, size: int = -1, /) -> bytes:
        """Its content."""
        ...


PictureLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | Image.Image | Picture"
    " | Tensor"
)


class Content(BytesIO):
    """A file's content and its name, which errors quote."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def to_picture(source: PictureLike) -> Picture:
    """A picture of any kind -> RGB uint8 H,W,3, as it is displayed.

    Args:
        source: a path; a file's content, or a file that is open in binary; an image of Pillow's; an
            array, RGB uint8 H,W,3; or a tensor of PyTorch's, RGB uint8 H,W,3 or 3,H,W (one of shape
            3,W,3 is taken as H,W,3).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no readable picture, or an array of another shape or type; or nothing that could
            be a picture.
    """
    source = keepable(source)
    if isinstance(source, np.ndarray):
        return _checked(source)
    if isinstance(source, Image.Image):
        if 0 in source.size:
            raise ValueError(f"a picture without pixels: {source.width} x {source.height}")
        return read_image(source)
    if isinstance(source, str | os.PathLike):
        return read_image(Path(source))
    if isinstance(source, Content | bytes):
        return read_image(source)
    raise ValueError(
        "a picture is a path, a file's content, an open file, a PIL image, an array or a tensor; "
        f"got {type(source).__name__}"
    )


def keepable(source: Any) -> Any:
    """The same picture in a form that can be read again later: an open file becomes its content."""
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if hasattr(source, "detach") and hasattr(source, "cpu"):
        array = np.asarray(source.detach().cpu().numpy())
        channels_first = array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3
        return array.transpose(1, 2, 0) if channels_first else array
    if isinstance(source, Image.Image | Content) or not hasattr(source, "read"):
        return source
    if source.seekable() if hasattr(source, "seekable") else hasattr(source, "seek"):
        source.seek(0)
    content, name = source.read(), getattr(source, "name", None)
    if not isinstance(content, bytes):
        raise ValueError(f"a file has to be open in binary, got one that gives {type(content)}")
    return Content(content, name) if isinstance(name, str) else content


def _checked(array: Picture) -> Picture:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or not array.size:
        shape = f"{array.dtype} {array.shape}"
        raise ValueError(f"a picture is an RGB array uint8 of shape (H, W, 3), got {shape}")
    return array
