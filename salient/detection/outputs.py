"""Where `predict` writes, in which format, and what it does with pictures that show nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from salient.data.encoding import ENDINGS, Format, encode, format_of, without_place
from salient.data.formats import SUFFIXES
from salient.detection.cutout import Cutout
from salient.detection.modes import Drawn, Mode

Empty = Literal["write", "skip", "fail"]
FOLDER = "maps"  # where nothing else is said
STREAM = "-"  # the standard input or output


@dataclass(frozen=True)
class Output:
    """What `output=`, `format=` and what goes with them ask for.

    Args:
        name: a file that ends in .png, .webp, .jpg or .jpeg; a folder: one that is there, of any
            other name, or with a slash at its end; or `-`, the standard output. None is FOLDER.
        format: None goes by the ending; a folder and the standard output get PNGs.
        quality: of WebP and JPEG, 1..100.
        place: whether the place (GPS) stays in EXIF data.
        empty: what is done with a picture in which nothing stands out: `write` as for any other,
            `skip` it, or `fail`, which names it as a picture that failed.

    Raises:
        ValueError: the ending of a picture that is not written, a format that is not the ending's,
            or a quality without use.
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
                f"output={self.name}: written are {', '.join(ENDINGS)}; a slash at its end makes "
                "it the name of a folder"
            )
        if self.file is not None and self.format not in (None, format_of(self.file)):
            raise ValueError(f"output={self.name}: its ending is not that of format={self.format}")
        if self.quality is not None and self.kind == "png":
            raise ValueError("quality: is for WebP and JPEG; format=webp or format=jpg")

    @property
    def file(self) -> Path | None:
        """The one file that is written; None for a folder and the standard output."""
        if self.name is None or self._is_folder or self.to_stream:
            return None
        return Path(self.name) if Path(self.name).suffix.lower() in ENDINGS else None

    @property
    def to_stream(self) -> bool:
        """Whether it is the standard output."""
        return self.name == STREAM

    @property
    def folder(self) -> Path:
        """The folder under which files are written; of one file, where it lies."""
        return self.file.parent if self.file else Path(self.name or FOLDER)

    @property
    def kind(self) -> Format:
        """The format that is written."""
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
        return name.endswith(("/", "\\")) or Path(name).is_dir()


def check_drawable(output: Output, draw: Mode) -> None:
    """Refuse a transparent JPEG before any picture is read.

    Raises:
        ValueError: that is what would be written.
    """
    if output.kind == "jpg" and isinstance(draw, Cutout) and draw.is_transparent:
        raise ValueError(
            "a JPEG cannot be transparent; format=png, format=webp or cutout.background=white"
        )
