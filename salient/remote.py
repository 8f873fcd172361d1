"""Files of other machines (s3://, gs://, hf://, memory://), by fsspec: read once, written whole."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from salient.distribution import how_to_install

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.I)


def any_path(text: str | Path) -> Path:
    """A path of this machine, or for an address one of universal_pathlib's, which is used alike.

    Raises:
        ModuleNotFoundError: the extra `remote` is not installed.
    """
    if not ADDRESS.match(str(text)):
        return Path(text)
    try:
        from upath import UPath
    except ModuleNotFoundError as error:
        remedy = how_to_install("remote")
        raise ModuleNotFoundError(f"{text}: needs universal_pathlib; {remedy}") from error
    return cast(Path, UPath(str(text)))


def is_remote(path: object) -> bool:
    """Whether it is what `any_path` makes of an address."""
    return not isinstance(path, str | Path)


def files_below(address: str) -> Iterator[tuple[Path, Path]]:
    """The files that an address stands for: one, a folder's or a pattern's; and each one's path
    below the folder.
    """
    root: Any = any_path(address)
    system, place = root.fs, root.path.rstrip("/")
    if system.isdir(place):
        names = system.find(place)
    else:
        names = [place] if system.isfile(place) else system.glob(place)
    for name in sorted(names):
        inner = name[len(place) :].strip("/") if name.startswith(f"{place}/") else ""
        yield any_path(system.unstrip_protocol(name)), Path(inner or Path(name).name)


@functools.cache
def _copies() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="salient-")


def fetch(folder: Path) -> Path:
    """A copy on this machine of a folder, for the time of this process; what is here stays so."""
    if not is_remote(folder):
        return folder
    copy = Path(_copies().name) / re.sub(r"\W+", "_", str(folder))
    if not copy.is_dir():
        remote: Any = folder
        remote.fs.get(f"{remote.path.rstrip('/')}/", f"{copy}/", recursive=True)
    return copy
