"""What an input of `predict` names, and where each of its pictures is written."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from salient.data.formats import RAW, RAW_REMEDY, SUFFIXES, is_litter
from salient.detection.outputs import STREAM, Output

STANDARD = Path(STREAM)  # in place of a file: the standard input or output
STREAMS = (STREAM, "/dev/stdin")


class Inputs(NamedTuple):
    """What an input names.

    Attributes:
        targets: the file to write, by picture; `Path("-")` is the standard input or output.
        problems: a line for each picture that cannot be done.
        left_out: what is in a folder or matches a pattern and is no picture by its ending.
        litter: what systems leave next to pictures, see `is_litter`.
    """

    targets: dict[Path, Path]
    problems: list[str]
    left_out: list[Path]
    litter: list[Path]


def find_pictures(given: str | Path | Sequence[str | Path], output: Output | Path) -> Inputs:
    """The pictures that are given, and the file under `output` for each.

    A file is taken whatever its ending; `-` is the standard input. A folder stands for those inside
    it, at any depth, whose structure is kept; anything else is a glob pattern. `a.jpg` next to
    `a.png` become `a.jpg.png` and `a.png.png`.

    Args:
        given: a file, a folder, a pattern, or a list of these.
        output: where is written, or a folder; within a folder of pictures it is passed over.

    Raises:
        FileNotFoundError: one of them names none.
        ValueError: `output` is the folder of pictures itself, or one file for several pictures.
    """
    output = output if isinstance(output, Output) else Output(f"{output}/")
    folder = None if output.file or output.to_stream else output.folder
    sources: dict[Path, Path] = {}  # by picture, its path within `output` but for the ending
    found = Inputs({}, [], [], [])
    for one in [given] if isinstance(given, str | Path) else given:
        if str(one) in STREAMS:
            sources[STANDARD] = Path("stdin")
            continue
        matches = sorted(_matches(str(one), folder, found.problems))
        for path, inner in matches:
            if is_litter(inner) and path != Path(one):
                found.litter.append(path)
            elif path.suffix.lower() not in SUFFIXES and path != Path(one):
                found.left_out.append(path)
            elif path.is_file():
                sources[path] = inner
            elif path.is_symlink():
                found.problems.append(f"{path}: a link that leads to no file")
            else:
                found.left_out.append(path)
        if not found.problems and not any(path in sources for path, _ in matches):
            raise FileNotFoundError(_none_found(str(one), matches))
    if folder is None:
        _one_target(sources, output, found)
    else:
        _choose_targets(sources, folder, f".{output.kind}", found)
    return found


def _none_found(given: str, matches: Sequence[tuple[Path, Path]]) -> str:
    """What is said of an input that names no picture."""
    if not matches:
        kind = "files match" if glob.has_magic(given) else "such file or folder"
        return f"input={given}: no {kind if not Path(given).is_dir() else 'files in this folder'}"
    endings = Counter(path.suffix.lower() or path.name for path, _ in matches)
    seen = ", ".join(ending for ending, _ in endings.most_common(4))
    raw = f"; {next(iter(endings))}: {RAW_REMEDY}" if next(iter(endings)) in RAW else ""
    return f"input={given}: no pictures among {len(matches)} files ({seen}){raw}"


def _one_target(sources: dict[Path, Path], output: Output, found: Inputs) -> None:
    if len(sources) > 1:
        raise ValueError(
            f"output={output.name}: {len(sources)} pictures cannot go into one file; give a folder"
        )
    target = output.file or STANDARD
    for path in sources:
        if target.exists() and path != STANDARD and target.samefile(path):
            raise ValueError(f"output={output.name} is the picture itself; give another")
        found.targets[path] = target


def _matches(pattern: str, output: Path | None, problems: list[str]) -> Iterator[tuple[Path, Path]]:
    """Files that an input stands for, and the path that each has within the output."""
    root = Path(pattern)
    if not root.is_dir():
        named = [pattern] if root.is_file() else glob.glob(pattern, recursive=True)
        yield from ((path, Path(path.name)) for path in map(Path, named) if not path.is_dir())
        return
    written = None if output is None else os.path.realpath(output)
    if os.path.realpath(root) == written:
        raise ValueError(f"output={output} is the folder of the pictures; give another")

    def cannot_enter(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for here, folders, names in os.walk(root, onerror=cannot_enter):
        links = [name for name in folders if Path(here, name).is_symlink()]
        folders[:] = [n for n in folders if os.path.realpath(Path(here, n)) != written]
        for name in names + links:  # links to folders are not followed, but told
            path = Path(here, name)
            yield path, path.relative_to(root)


def _choose_targets(sources: dict[Path, Path], output: Path, ending: str, found: Inputs) -> None:
    stems = Counter(inner.with_suffix("") for inner in sources.values())
    for path, inner in sources.items():
        alone = stems[inner.with_suffix("")] == 1
        name = inner.with_suffix(ending) if alone else inner.with_name(f"{inner.name}{ending}")
        found.targets[path] = output / name
    twice = Counter(found.targets.values())
    originals = set(map(os.path.realpath, sources))
    for path, target in list(found.targets.items()):
        if twice[target] > 1:
            found.problems.append(f"{path}: {twice[target]} pictures would write {target}")
        elif os.path.realpath(target) in originals:
            found.problems.append(f"{path}: {target} is one of the pictures; give another output")
        else:
            continue
        del found.targets[path]
