"""The pictures of a folder, or of many folders, by their names."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from salient.data.formats import SUFFIXES, is_litter
from salient.data.layouts import REMEDY

WITHOUT_PNG = tuple(suffix for suffix in SUFFIXES if suffix != ".png")


class Named(NamedTuple):
    """What a folder holds.

    Attributes:
        files: pictures by name (NFC). Those of several folders are named `FOLDER/NAME`.
        twice: names of several files.
        left_out: files and folders that are no pictures by their endings.
        composed: names whose file has another Unicode form.
    """

    files: dict[str, Path]
    twice: set[str]
    left_out: list[Path]
    composed: set[str]


@dataclass(frozen=True)
class Naming:
    """What the masks of a set are called.

    Args:
        prefix, suffix: what a mask's name has around that of its picture, such as `_mask`.
        aliases: the names of masks that follow no rule, by their pictures' names.
    """

    prefix: str = ""
    suffix: str = ""
    aliases: dict[str, str] = field(default_factory=dict)

    def pictures(self, masks: dict[str, Path]) -> dict[str, Path]:
        """Masks by the names of their pictures; one that follows no rule keeps its own."""
        by_alias = {mask: picture for picture, mask in self.aliases.items()}
        return {by_alias.get(name) or self._bare(name): path for name, path in masks.items()}

    def _bare(self, name: str) -> str:
        folder, slash, last = name.rpartition("/")
        if last.startswith(self.prefix) and last.endswith(self.suffix):
            last = last[len(self.prefix) : len(last) - len(self.suffix)] or last
        return folder + slash + last


def by_name(folder: Path, suffixes: Collection[str], title: str) -> Named:
    """The pictures of a folder. Hidden files and those of operating systems are ignored.

    Args:
        folder: one, or with a star for a folder's name, `frames/*` or `*/Imgs`, one of many.
        suffixes: the endings of pictures.
        title: the set's, for messages.

    Raises:
        FileNotFoundError: there is no such folder, or no picture in it.
    """
    found = Named({}, set(), [], set())
    if "*" in folder.parts:
        for key, one in starred(folder):
            _add(found, one, suffixes, f"{key}/")
    elif folder.is_dir():
        _add(found, folder, suffixes, "")
    else:
        raise FileNotFoundError(f"{title}: no folder {folder}; {REMEDY}")
    if not found.files:
        what = "masks (.png)" if suffixes == (".png",) else "pictures"
        raise FileNotFoundError(f"{title}: no {what} in {folder}; {REMEDY}")
    return found


def starred(folder: Path) -> list[tuple[str, Path]]:
    """The folders that `before/*/after` stands for, by what the star stands for."""
    place = folder.parts.index("*")
    before, after = Path(*folder.parts[:place]), Path(*folder.parts[place + 1 :])
    folders = [(one.name, one / after) for one in sorted(before.glob("*"))]
    return [(key, one) for key, one in folders if one.is_dir() and not key.startswith(".")]


def _add(found: Named, folder: Path, suffixes: Collection[str], before: str) -> None:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or is_litter(Path(path.name)):
            continue
        if path.suffix.lower() not in suffixes or not path.is_file():
            found.left_out.append(path)
            continue
        name = before + unicodedata.normalize("NFC", path.stem)
        if name != before + path.stem:
            found.composed.add(name)
        if name in found.files:
            found.twice.add(str(path.with_name(Path(name).name)))
        found.files[name] = path
