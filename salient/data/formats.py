"""Which files are pictures, by extension and first bytes, and which packages read them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from salient.distribution import how_to_install

# The formats that Pillow reads, with their extensions. Formats are left out if their readers start
# programs (PostScript, WMF), or if they have no signature and accept any bytes (TGA, PCX).
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


class Plugin(NamedTuple):
    """A format that a package adds to Pillow.

    Attributes:
        suffixes: its extensions.
        module: the module to import.
        register: the function of the module that adds the format; None if importing is enough.
        title: the format's usual name.
    """

    suffixes: tuple[str, ...]
    module: str
    register: str | None
    title: str


# By Pillow's name for the format. The extra `formats` installs both packages.
PLUGINS = {
    "HEIF": Plugin((".heic", ".heif", ".hif"), "pillow_heif", "register_heif_opener", "HEIC"),
    "JXL": Plugin((".jxl",), "pillow_jxl", None, "JPEG XL"),
}
READABLE = (*FORMATS, *PLUGINS)
SUFFIXES = tuple(
    suffix
    for suffixes in (*FORMATS.values(), *(plugin.suffixes for plugin in PLUGINS.values()))
    for suffix in suffixes
)
RAW = (
    *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".raf", ".orf"),
    *(".rw2", ".pef", ".srw", ".3fr", ".iiq", ".x3f"),
)
RAW_REMEDY = "a raw photograph, not a picture yet; develop it to a JPEG, PNG or TIFF first"

# Files that operating systems leave next to pictures: resource forks, previews, folder settings.
LITTER_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", "icon\r")
LITTER_FOLDERS = ("__macosx", "@eadir", ".thumbnails", ".appledouble", "$recycle.bin")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
JXL_STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")


def is_litter(path: Path) -> bool:
    """Whether a file was left by a system, such as `._photo.jpg`, `Thumbs.db`, `__MACOSX/...`.

    Only its name and the folders in `path` count; nothing is read.
    """
    return is_litter_name(path.name) or any(
        part.lower() in LITTER_FOLDERS for part in path.parts[:-1]
    )


def is_litter_name(name: str) -> bool:
    """The same for a file's name without its folders."""
    return name.startswith("._") or name.lower() in LITTER_FILES


def prepare(head: bytes) -> None:
    """Add the format of a file to Pillow if a plugin reads it.

    Args:
        head: the first 32 bytes of the file.

    Raises:
        ValueError: the plugin is not installed; the message names the package.
    """
    if head.startswith(JXL_STARTS):
        _register(PLUGINS["JXL"])
    elif head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS and b"avif" not in head:
        _register(PLUGINS["HEIF"])


def _register(plugin: Plugin) -> None:
    try:
        module = import_module(plugin.module)
    except ModuleNotFoundError as error:
        raise ValueError(f"{plugin.title}; {how_to_install('formats')}") from error
    if plugin.register:
        getattr(module, plugin.register)()
