"""Files: written whole or not at all; and what may be read."""

from __future__ import annotations

import errno
import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"  # ending of what is being written; left behind only by a kill
UNFINISHED = ".unfinished"  # the same of what takes minutes: nothing removes it


def write_whole(
    file: str | Path,
    content: bytes | memoryview | str,
    *,
    replace: bool = True,
    durable: bool = True,
) -> Path:
    """Write a file so that it is whole or absent, as `open_whole` does. Text is UTF-8.

    Returns the path. Raises as `open_whole`.
    """
    with open_whole(file, replace=replace, durable=durable) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
    return Path(file)


@contextmanager
def open_whole(
    file: str | Path, *, replace: bool = True, durable: bool = True, ending: str = PARTIAL
) -> Iterator[BinaryIO]:
    """Open a file to write so that it will be whole or absent, whoever else writes it meanwhile.

    It is written beside its name and, when the block is left without an error, brought to the disk
    and moved there; its folder is made. Every file of the project is written by this function.

    Args:
        replace: False keeps a file that is there already.
        durable: False lets the system choose when it goes to the disk, which is faster and safe
            from all but a power failure: for one of many that can be made again.
        ending: of its name meanwhile: PARTIAL, or UNFINISHED if it is not written at once.

    Raises:
        FileExistsError: there is such a file, and `replace` is False.
        OSError: the file cannot be written; what stood there before still does.
    """
    file = Path(file)
    partial = file.with_name(f".{uuid.uuid4().hex}{ending}")
    try:
        _make_folder(file.parent)
        with partial.open("w+b") as stream:
            yield stream
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        if replace:
            partial.replace(file)
        else:
            _move_to_free_name(partial, file)
    except OSError as error:  # some name no file, others the partial one
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _move_to_free_name(partial: Path, file: Path) -> None:
    """Give a file its name, unless that is taken: by a link, which refuses where a move replaces.

    Where there are no links (exFAT, some network shares, Colab's Drive) the name is claimed by an
    empty file, which is then replaced.
    """
    try:
        os.link(partial, file)
    except FileExistsError:
        raise
    except OSError:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            partial.replace(file)
        except OSError:
            file.unlink()
            raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None


def check_writable(folder: str | Path) -> None:
    """Make a folder and try to publish in it, before hours are spent on what will go there.

    Raises:
        OSError: it cannot be made or written.
    """
    try:
        write_whole(Path(folder) / f".{uuid.uuid4().hex}", b"", replace=False).unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def printable(text: str) -> str:
    """A text from a file as a terminal may show it: one line, control characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def remove_partials(folder: str | Path) -> None:
    """Remove what writers that were killed left in a folder.

    What was touched in the last two seconds may be another process's, and stays.
    """
    for partial in Path(folder).glob(f".*{PARTIAL}"):
        with suppress(OSError):
            if time.time() - partial.stat().st_mtime > 2:
                partial.unlink()


def check_regular(path: str | Path, what: str) -> None:
    """Refuse what can be read for ever, such as a device or a pipe, and what is not there.

    Raises:
        FileNotFoundError: there is nothing at `path`; `what` says what is missed.
        ValueError: it is no regular file, nor a link to one.
    """
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"no {what} {path}") from None
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path}: not a regular file")


def stamp(path: str | Path) -> tuple[int, int]:
    """A file's size and when it was written last: both change with its content."""
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns
