"""Which files are pictures, by their endings and first bytes, and what is needed to read them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from salient.distribution import how_to_install

# The formats that Pillow reads, and how the names of their files end. Left out are those whose
# readers start programs (PostScript, WMF) and those without a signature, which take any bytes for a
# picture (TGA, PCX).
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
        suffixes: how the names of its files end.
        module: what is imported.
        register: the function of the module that adds the format; None where importing does.
        title: the format's usual name.
    """

    suffixes: tuple[str, ...]
    module: str
    register: str | None
    title: str


# By Pillow's word for the format. The extra `formats` installs both packages.
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

# What systems leave next to pictures: the resource forks of macOS, previews, settings of folders.
LITTER_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", "icon\r")
LITTER_FOLDERS = ("__macosx", "@eadir", ".thumbnails", ".appledouble", "$recycle.bin")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
JXL_STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")


def is_litter(path: Path) -> bool:
    """Whether a file is what a system left, such as `._photo.jpg`, `Thumbs.db`, `__MACOSX/...`.

    Only the name and the folders in `path` count; nothing is read.
    """
    return is_litter_name(path.name) or any(
        part.lower() in LITTER_FOLDERS for part in path.parts[:-1]
    )


def is_litter_name(name: str) -> bool:
    """The same by a file's name without its folders."""
    return name.startswith("._") or name.lower() in LITTER_FILES


def prepare(head: bytes) -> None:
    """Add the format of a file to Pillow if a plugin reads it; else do nothing.

    Args:
        head: the first 32 bytes of the file.

    Raises:
        ValueError: the plugin is not installed; names the package.
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
