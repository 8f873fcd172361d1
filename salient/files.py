"""Write files completely or not at all; check which files may be read."""

from __future__ import annotations

import errno
import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from salient.remote import any_path, is_remote

try:
    import fcntl
except ImportError:  # Windows: no locks there
    fcntl = None  # type: ignore[assignment]

PARTIAL = ".partial"  # extension while a file is being written; only a kill leaves it behind
UNFINISHED = ".unfinished"  # the same for files that take minutes; nothing removes it


def write_whole(
    file: str | Path,
    content: bytes | memoryview | str,
    *,
    replace: bool = True,
    durable: bool = True,
) -> Path:
    """Write a file completely or not at all, with `open_whole`. Text is UTF-8.

    At an address (see `salient.remote`) it is one request, which object stores keep whole. Returns
    the path. Raises as `open_whole`.
    """
    if is_remote(file):
        return _send(cast(Path, file), content.encode() if isinstance(content, str) else content)
    with open_whole(file, replace=replace, durable=durable) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
    return Path(file)


@contextmanager
def open_whole(
    file: str | Path, *, replace: bool = True, durable: bool = True, ending: str = PARTIAL
) -> Iterator[BinaryIO]:
    """Open a file for writing, so that it appears completely or not at all.

    This holds even if several processes write the same file. The content goes to a temporary file
    in the same folder. When the block ends without an error, it is flushed to the disk and renamed.
    The folder is created. Every file of the project is written by this function.

    Args:
        replace: False keeps an existing file.
        durable: False lets the system choose when to flush. This is faster, and safe except for a
            power failure: for one of many files that can be made again.
        ending: extension of the temporary file: PARTIAL, or UNFINISHED if writing takes long.

    Raises:
        FileExistsError: there is such a file, and `replace` is False.
        OSError: the file cannot be written; an existing file is unchanged.
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
    except OSError as error:  # some errors name no file, others the partial one
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def locked(file: str | Path) -> Iterator[None]:
    """Hold the lock of a file, for which other processes wait; no lock where the disk has none.

    The file is created and otherwise unchanged.
    """
    with Path(file).open("ab") as stream:
        with suppress(OSError):
            if fcntl is not None:
                fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _send(file: Path, content: bytes | memoryview) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(file)) from error
    return file


def link_whole(source: str | Path, file: str | Path) -> Path:
    """Make a file a hard link to `source`, or a copy where the disk has no links.

    Raises:
        OSError: it cannot be written; an existing file is unchanged.
    """
    if is_remote(file) or is_remote(source):
        return write_whole(file, cast(Path, source).read_bytes(), durable=False)
    source, file = Path(source), Path(file)
    partial = file.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
    try:
        _make_folder(file.parent)
        os.link(source, partial)
        partial.replace(file)
    except OSError:
        return write_whole(file, source.read_bytes(), durable=False)
    finally:
        partial.unlink(missing_ok=True)  # a move onto the same file leaves it
    return file


def _move_to_free_name(partial: Path, file: Path) -> None:
    """Give a file its name unless that exists: by a hard link, which does not replace like a move.

    Without hard links (exFAT, some network shares, Colab's Drive), an empty file reserves the name
    and is then replaced.
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
    """Create a folder and try to write in it, before hours are spent on what will go there.

    Raises:
        OSError: it cannot be created or written.
    """
    try:
        write_whole(any_path(folder) / f".{uuid.uuid4().hex}", b"", replace=False).unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def printable(text: str) -> str:
    """A text that is safe to print: one line, with control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def remove_partials(folder: str | Path) -> None:
    """Remove the temporary files of killed writers from a folder.

    A file that changed in the last two seconds may belong to another process, and stays.
    """
    if is_remote(folder):
        return
    for partial in Path(folder).glob(f".*{PARTIAL}"):
        with suppress(OSError):
            if time.time() - partial.stat().st_mtime > 2:
                partial.unlink()


def check_regular(path: str | Path, what: str) -> None:
    """Refuse devices and pipes, which could be read for ever, and missing files.

    Raises:
        FileNotFoundError: there is nothing at `path`; `what` names it in the message.
        ValueError: it is neither a regular file nor a link to one.
    """
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"no {what} {path}") from None
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path}: not a regular file")


def stamp(path: str | Path) -> tuple[int, int]:
    """A file's size and the time of its last change."""
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns
