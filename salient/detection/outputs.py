"""The output of `predict`: place, format, and what to do if nothing stands out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from salient.data.encoding import ENDINGS, Format, encode, format_of, without_place
from salient.data.formats import SUFFIXES
from salient.detection.cutout import Cutout
from salient.detection.modes import Drawn, Mode
from salient.remote import any_path

Empty = Literal["write", "skip", "fail"]
FOLDER = "maps"  # the default output
STREAM = "-"  # the standard input or output


@dataclass(frozen=True)
class Output:
    """The settings `output=`, `format=` and those that go with them.

    Args:
        name: a file ending in .png, .webp, .jpg or .jpeg; a folder: an existing one, any other
            name, or a name with a trailing slash; or `-`, the standard output. None is FOLDER.
        format: by default from the extension; a folder and the standard output get PNGs.
        quality: of WebP and JPEG, 1..100.
        place: whether to keep the GPS position in EXIF data.
        empty: what to do with a picture in which nothing stands out: `write` it like any other,
            `skip` it, or `fail`, which lists it as failed.

    Raises:
        ValueError: an extension that cannot be written, a format that contradicts the extension,
            or a quality that has no effect.
    """

    name: str | None = None
    format: Format | None = None
    quality: int | None = None
    place: bool = False
    empty: Empty = "write"

    def __post_init__(self) -> None:
        suffix = Path(self.name or FOLDER).suffix.lower()
        if self.file is None and suffix in SUFFIXES and not self._is_folder:
            raise ValueError(
                f"output={self.name}: a file's name must end in {', '.join(ENDINGS)}, a "
                "folder's in a slash"
            )
        if self.file is not None and self.format not in (None, format_of(self.file)):
            raise ValueError(
                f"output={self.name}: its extension does not match format={self.format}"
            )
        if self.quality is not None and self.kind == "png":
            raise ValueError("quality: only for WebP and JPEG; add format=webp or format=jpg")

    @property
    def file(self) -> Path | None:
        """The only file to write; None for a folder and the standard output."""
        if self.name is None or self._is_folder or self.to_stream:
            return None
        return any_path(self.name) if Path(self.name).suffix.lower() in ENDINGS else None

    @property
    def to_stream(self) -> bool:
        """Whether the output is the standard output."""
        return self.name == STREAM

    @property
    def folder(self) -> Path:
        """The folder for the files; for a single file, the folder that contains it."""
        return self.file.parent if self.file else any_path(self.name or FOLDER)

    @property
    def kind(self) -> Format:
        """The format of the files."""
        return self.format or (format_of(self.file) if self.file else "png")

    def encode(self, drawn: Drawn) -> bytes:
        """The content of a file. Raises as `salient.data.encoding.encode`."""
        return encode(
            drawn.pixels,
            self.kind,
            self.quality,
            profile=drawn.profile,
            exif=drawn.exif if self.place else without_place(drawn.exif),
            dpi=drawn.dpi,
        )

    @property
    def _is_folder(self) -> bool:
        name = self.name or FOLDER
        return name.endswith(("/", "\\")) or any_path(name).is_dir()


def check_drawable(output: Output, draw: Mode) -> None:
    """Refuse a transparent JPEG before any picture is read.

    Raises:
        ValueError: the output would be such a JPEG.
    """
    if output.kind == "jpg" and isinstance(draw, Cutout) and draw.is_transparent:
        raise ValueError(
            "a JPEG cannot be transparent; format=png, format=webp or cutout.background=white"
        )
