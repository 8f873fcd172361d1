"""Find the pictures that an input of `predict` names, and choose where each is written."""

from __future__ import annotations

import functools
import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from salient.data.formats import RAW, RAW_REMEDY, SUFFIXES, is_litter, is_litter_name
from salient.detection.outputs import STREAM, Output
from salient.detection.shards import WHOLE, Shard
from salient.remote import ADDRESS, any_path, files_below, is_remote

STANDARD = Path(STREAM)  # instead of a file: the standard input or output
STREAMS = (STREAM, "/dev/stdin")


class Inputs(NamedTuple):
    """The pictures of an input.

    Attributes:
        targets: the file to write, by picture; `Path("-")` is the standard input or output.
        problems: a line for each picture that cannot be processed.
        left_out: files of a folder or pattern without an image extension.
        litter: files that operating systems leave next to pictures, see `is_litter`.
    """

    targets: dict[Path, Path]
    problems: list[str]
    left_out: list[Path]
    litter: list[Path]


class Place(NamedTuple):
    """The place of a picture's file within the output, without its extension."""

    folder: Path
    name: str


def find_pictures(
    given: str | Path | Sequence[str | Path], output: Output | Path, shard: Shard = WHOLE
) -> Inputs:
    """Find pictures, and the output file for each.

    A file may have any extension; `-` is the standard input. A folder includes its subfolders,
    whose structure is kept. Anything else is a glob pattern. If `a.jpg` and `a.png` are in the same
    folder, they become `a.jpg.png` and `a.png.png`.

    Args:
        given: a file, a folder, a pattern, or a list of these.
        output: the output, or a folder; inside a folder of pictures it is skipped.
        shard: only the pictures of this shard, by their paths below `given`.

    Raises:
        FileNotFoundError: an input names no pictures.
        ValueError: `output` is the folder of pictures itself, or one file for several pictures.
    """
    output = output if isinstance(output, Output) else Output(f"{output}/")
    folder = None if output.file or output.to_stream else output.folder
    sources: dict[Path, Place] = {}
    found = Inputs({}, [], [], [])
    for one in [given] if isinstance(given, str | Path) else given:
        if str(one) in STREAMS:
            sources[STANDARD] = Place(Path(), "stdin")
            continue
        matches = list(_matches(str(one), folder, found.problems))
        for path, place, is_file in matches:
            named = path == any_path(one)
            if not named and (is_litter_name(place.name) or _is_litter(place.folder)):
                found.litter.append(path)
            elif not named and _divided(place.name)[1].lower() not in SUFFIXES:
                found.left_out.append(path)
            elif is_file:
                sources[path] = place
            elif path.is_symlink():
                kind = "no regular file" if path.exists() else "no file"
                found.problems.append(f"{path}: a link that leads to {kind}")
            else:
                found.left_out.append(path)
        if not found.problems and not any(path in sources for path, *_ in matches):
            raise FileNotFoundError(_none_found(str(one), [path for path, *_ in matches]))
    if folder is None:
        _one_target(sources, output, found)
    else:
        _choose_targets(sources, folder, f".{output.kind}", shard, found)
    return found


def _none_found(given: str, matches: Sequence[Path]) -> str:
    """The message about an input that names no picture."""
    if not matches:
        kind = "files match" if glob.has_magic(given) else "such file or folder"
        return f"input={given}: no {kind if not Path(given).is_dir() else 'files in this folder'}"
    endings = Counter(path.suffix.lower() or path.name for path in matches)
    seen = ", ".join(ending for ending, _ in endings.most_common(4))
    raw = f"; {next(iter(endings))}: {RAW_REMEDY}" if next(iter(endings)) in RAW else ""
    return f"input={given}: no pictures among {len(matches)} files ({seen}){raw}"


def _one_target(sources: dict[Path, Place], output: Output, found: Inputs) -> None:
    if len(sources) > 1:
        raise ValueError(
            f"output={output.name}: {len(sources)} pictures cannot go into one file; give a folder"
        )
    target = output.file or STANDARD
    for path in sources:
        same = is_remote(target) or is_remote(path) or path == STANDARD
        if target == path or (not same and target.exists() and target.samefile(path)):
            raise ValueError(f"output={output.name} is the picture itself; give another")
        found.targets[path] = target


def _matches(
    pattern: str, output: Path | None, problems: list[str]
) -> Iterator[tuple[Path, Place, bool]]:
    """The files of an input, by path: where each goes, and whether it is a regular file."""
    if ADDRESS.match(pattern):
        for path, inner in files_below(pattern):
            if output is None or not path.is_relative_to(output):
                yield path, Place(inner.parent, inner.name), True
        return
    root = Path(pattern)
    if not root.is_dir():
        named = [pattern] if root.is_file() else glob.glob(pattern, recursive=True)
        for path in sorted(map(Path, named)):
            if not path.is_dir():
                yield path, Place(Path(), path.name), path.is_file()
        return
    written = None if output is None or is_remote(output) else os.path.realpath(output)
    if os.path.realpath(root) == written:
        raise ValueError(f"output={output} is the folder of the input pictures; give another")
    yield from _walk(root, Path(), written, problems)


def _walk(
    here: Path, inner: Path, written: str | None, problems: list[str]
) -> Iterator[tuple[Path, Place, bool]]:
    """All files below a folder, except those in the folder `written`.

    A folder may contain a million files, so only the listing is used, and no file is queried.
    """
    try:
        with os.scandir(here) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        problems.append(f"{error.filename}: {error.strerror}")
        return
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):  # links to folders are reported, not followed
            path = here / entry.name
            is_file = path.is_file() if entry.is_symlink() else entry.is_file()
            yield path, Place(inner, entry.name), is_file
        elif written is None or os.path.realpath(entry.path) != written:
            yield from _walk(here / entry.name, inner / entry.name, written, problems)


@functools.lru_cache(16)
def _is_litter(folder: Path) -> bool:
    return is_litter(folder / "file")


def _divided(name: str) -> tuple[str, str]:
    """A file's name without its extension, and the extension, as in `Path`."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if 0 < dot < len(name) - 1 else (name, "")


def _choose_targets(
    sources: dict[Path, Place], output: Path, ending: str, shard: Shard, found: Inputs
) -> None:
    stems = Counter((folder, _divided(name)[0]) for folder, name in sources.values())
    places: dict[Path, Place] = {}
    for path, (folder, name) in sources.items():
        stem, _ = _divided(name)
        kept = stem if stems[folder, stem] == 1 else name
        places[path] = Place(folder, f"{kept}{ending}")
    twice = Counter(places.values())
    real = functools.lru_cache(64)(os.path.realpath)
    originals = {_real(path, real) for path in sources} if output.is_dir() else set()
    within = functools.cache(lambda folder: output.joinpath(*folder.parts))
    for path, place in places.items():
        name = f"{place.folder.as_posix()}/{sources[path].name}"
        if shard != WHOLE and not shard.holds(name.removeprefix("./")):
            continue
        target = within(place.folder) / place.name
        if twice[place] > 1:
            found.problems.append(f"{path}: {twice[place]} pictures would write {target}")
        elif originals and _real(target, real) in originals:
            found.problems.append(f"{path}: {target} is one of the pictures; give another output")
        else:
            found.targets[path] = target


def _real(path: Path, real: Callable[[Path], str]) -> str:
    """The real path of a file; `real` finds it for a folder."""
    if is_remote(path):
        return str(path)
    return os.path.realpath(path) if path.is_symlink() else f"{real(path.parent)}/{path.name}"
