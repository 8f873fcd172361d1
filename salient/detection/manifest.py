"""Write a line for each finished picture of a long detection, so that a kill loses none.

A line records the picture, the weights and the options. When a detection is continued, pictures
with the same content and options are skipped. Duplicate content is detected once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from salient.detection.detector import Detector
from salient.detection.folders import Done
from salient.detection.inputs import Content
from salient.detection.manifest_lines import end_of_lines, whole_lines
from salient.detection.outputs import Output
from salient.detection.shards import WHOLE, Shard
from salient.detection.summary import COLUMNS
from salient.files import check_regular, check_writable, link_whole, write_whole
from salient.remote import ADDRESS, any_path, is_remote

try:
    import fcntl
except ImportError:  # Windows: two processes of one manifest are not refused there
    fcntl = None  # type: ignore[assignment]

Twins = Literal["copy", "link", "again"]
FOUND = tuple(key for key in COLUMNS if key not in ("file", "output", "error"))


class Manifest:
    """The manifest of a detection, open for writing.

    Memory grows by about 0.3 KB per picture, for hashes; the lines stay in the file.

    Args:
        path: the file, JSON Lines, on a local or shared disk.
        weights: SHA-256 of the checkpoint.
        options: everything else that an output depends on.
        targets: the file to write, by picture.
        shard: the shard of these pictures.
        twins: what to do with a picture that has the content of an earlier one in this run: `copy`
            the earlier output, make a hard `link` to it, or detect `again`.
        overwrite: `skip` continues an existing manifest, True starts a new one.

    Raises:
        ValueError: the file exists already, is not a manifest, or is written by another process.
        OSError: it cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        weights: str,
        options: Mapping[str, Any],
        targets: Mapping[Path, Path],
        shard: Shard = WHOLE,
        twins: Twins = "copy",
        overwrite: bool | str = False,
    ) -> None:
        self.path, self.twins, self.targets = Path(path), twins, targets
        if overwrite is False and self.path.exists():
            raise ValueError(
                f"manifest={path} already exists; overwrite=skip continues it, overwrite=true "
                "replaces it"
            )
        check_writable(self.path.parent)
        self._same = {"weights": weights, "options": dict(options)}
        self._shard = str(shard)
        self._lock = Lock()
        self._digests: dict[Path, str] = {}  # of the pictures in flight
        self._first: dict[bytes, Path] = {}  # the picture that came first, by content
        self._settled: dict[Path, int | None] = {}  # of these: where its line is; None: it failed
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        _claim(self._file, path)
        self._known: dict[str, int] = {}  # where the last line of each picture is
        if overwrite is True:
            os.truncate(self._file, 0)
        else:
            lines = whole_lines(self.path)
            self._known = {line["input"]: at for at, line in lines if "input" in line}
            os.truncate(self._file, end_of_lines(self.path))
        self._write({"shard": self._shard, "pictures": len(targets)})

    def open(self, path: Path) -> Content | Done:
        """A picture's content, or its outcome if it need not be detected. Called on threads.

        Raises:
            OSError, ValueError: it cannot be read.
        """
        if not is_remote(path):
            check_regular(path, "picture")
        content = path.read_bytes()
        digest = hashlib.sha256(content)
        with self._lock:
            self._digests[path] = digest.hexdigest()
            first = path
            if self.twins != "again":
                first = self._first.setdefault(digest.digest()[:16], path)
        if self._is_done(path, digest.hexdigest()):
            return Done(path, None, {}, kept=True)
        return Done(path, None, {}, twin_of=first) if first != path else Content(content, str(path))

    def recorded(self, files: Iterable[Done]) -> Iterator[Done]:
        """The same outcomes, after writing their lines; twins follow their originals."""
        waiting: defaultdict[Path, list[Done]] = defaultdict(list)
        for one in files:
            if one.twin_of is not None:
                waiting[one.twin_of].append(one)
                if one.twin_of not in self._settled:
                    continue
                first = one.twin_of
            else:
                self._settle(one)
                yield one
                first = one.source
            for twin in waiting.pop(first, ()):
                done = self._shared(twin, self._settled[first])
                self._append(done)
                yield done

    def close(self) -> None:
        """Release the file, so that another process can continue it."""
        os.close(self._file)

    def _is_done(self, path: Path, digest: str) -> bool:
        at = self._known.get(str(path))
        if at is None:
            return False
        line, target = self._line(at), self.targets[path]
        wanted = self._same | {"sha256": digest, "error": None}
        return (
            all(line[key] == value for key, value in wanted.items())
            and line["output"] in (None, str(target))
            and (line["output"] is None or target.exists())
        )

    def _settle(self, one: Done) -> None:
        """Write a picture's line, and remember where it is if it is the first of its content."""
        at = self._known[str(one.source)] if one.kept else self._append(one)
        if self.twins != "again":
            self._settled[one.source] = None if one.error is not None else at
        self._digests.pop(one.source, None)

    def _append(self, one: Done) -> int:
        """Write the line of a picture; returns where it begins."""
        line = {
            "input": str(one.source),
            "sha256": self._digests.pop(one.source, None),
            "output": None if one.target is None else str(one.target),
            "size": one.size and [one.size[1], one.size[0]],
            **self._same,
            "seconds": round(one.seconds, 4),
            **{key: one.row.get(key) for key in FOUND},
            "twin_of": one.twin_of and str(one.twin_of),
            "shard": self._shard,
            "error": one.error,
        }
        return self._write(line)

    def _write(self, line: Mapping[str, Any]) -> int:
        content = f"{json.dumps(line, separators=(',', ':'))}\n".encode()
        at = os.lseek(self._file, 0, os.SEEK_END)
        try:
            written = os.write(self._file, content)  # at once, so that a kill cuts the last alone
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        if written != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        return at

    def _shared(self, twin: Done, at: int | None) -> Done:
        """The outcome of a twin; the line of its original is at `at`."""
        first, target = twin.twin_of, self.targets[twin.source]
        if at is None:
            error = f"{twin.source}: the same content as {first}, which failed"
            return twin._replace(error=error)
        line = self._line(at)
        if line["output"] is not None:
            share = link_whole if self.twins == "link" else _copy
            try:
                share(any_path(line["output"]), target)
            except OSError as error:
                return twin._replace(error=f"{target}: {error.strerror}")
        output = line["output"] and str(target)
        row = {key: line[key] for key in FOUND}
        row |= {"file": str(twin.source), "output": output, "error": None}
        size = line["size"][1], line["size"][0]
        return twin._replace(target=target if output else None, row=row, size=size)

    def _line(self, at: int) -> dict[str, Any]:
        content = b""
        while b"\n" not in content:
            content += os.pread(self._file, 4096, at + len(content))
        line: dict[str, Any] = json.loads(content.partition(b"\n")[0])
        return line


def start_manifest(
    path: str,
    output: Output,
    options: Mapping[str, Any],
    shard: Shard,
    twins: Twins,
    overwrite: bool | str,
    detector: Detector,
    targets: Mapping[Path, Path],
) -> Manifest:
    """Open the manifest of a detector's outputs; `options` are further options.

    Raises as `Manifest`.
    """
    engine = detector.engine
    shaping = {
        "format": output.kind,
        "quality": output.quality,
        "place": output.place,
        "empty": output.empty,
        "normalize": detector.normalize,
        "tta": detector.tta,
        "engine": engine.name.partition(" ")[0],
        "precision": engine.precision,
    }
    shaping |= dict(options)
    return Manifest(path, engine.sha256 or "", shaping, targets, shard, twins, overwrite)


def check_manifest(path: str, output: Output) -> None:
    """Refuse a bad manifest before looking for pictures.

    Raises:
        ValueError: its name does not end in .jsonl, or the output is the standard output.
    """
    if Path(path).suffix.lower() != ".jsonl" or ADDRESS.match(path):
        raise ValueError(f"manifest={path}: a file on this machine whose name ends in .jsonl")
    if output.to_stream:
        raise ValueError("manifest: is of files; output=FOLDER")


def _claim(file: int, path: str | Path) -> None:
    """Refuse a file that another process writes."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise ValueError(
            f"manifest={path}: another process writes it; give each shard its own"
        ) from None


def _copy(source: Path, target: Path) -> None:
    write_whole(target, source.read_bytes(), durable=False)
