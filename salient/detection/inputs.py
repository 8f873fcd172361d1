"""The kinds of picture that a detector accepts."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from PIL import Image

from salient.arrays import Picture
from salient.data.images import Photo

if TYPE_CHECKING:
    from torch import Tensor


class Readable(Protocol):
    """A file open in binary mode, such as FastAPI's `UploadFile.file`."""

    def read(self, size: int = -1, /) -> bytes:
        """Its content."""
        ...


PictureLike: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | Image.Image | Picture"
    " | Tensor | Photo"
)


class Content(BytesIO):
    """A file's content and its name for error messages."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def keepable(source: Any) -> Any:
    """A picture in a form that can be read again later: an open file becomes its content."""
    if isinstance(source, os.PathLike):
        return Path(source)
    if isinstance(source, Image.Image | Content) or not hasattr(source, "read"):
        return source
    if source.seekable() if hasattr(source, "seekable") else hasattr(source, "seek"):
        source.seek(0)
    content, name = source.read(), getattr(source, "name", None)
    if not isinstance(content, bytes):
        raise ValueError(
            f"a file must be open in binary mode, got one that returns {type(content)}"
        )
    return Content(content, name) if isinstance(name, str) else content
