"""Find the file of a checkpoint: bundled weights by name, the newest training, a path, an id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from salient.files import check_regular
from salient.weights.hub import fetch_model, is_id

BOX = Path(__file__).parent / "box"  # the bundled weights, by name: best, fast
DEFAULT = "best"
WEIGHTS = "model.safetensors"  # of a hub's folder
MODELSCOPE = "pytorch_model.bin"  # of the folder of ModelScope's model


def find_checkpoint(
    path: str | Path | None = None, folder: str | Path = "checkpoints", key: str = "checkpoint"
) -> Path:
    """The file of a checkpoint, given by a path, a name, or the id of a model on a hub.

    The names are `best` (the default) and `fast`, the bundled weights, and `last`, the newest
    safetensors file that training published in `folder`. An id, `owner/name`, is downloaded first:
    see `salient.weights.hub`.

    Raises:
        FileNotFoundError: there is nothing at `path`, nothing was published, or no such model could
            be fetched.
    """
    path = DEFAULT if path is None else path
    bundled = BOX / f"{path}.safetensors"
    if bundled.parent == BOX and bundled.is_file():
        return bundled
    if str(path) == "last":
        published = list(Path(folder).glob("*.safetensors"))
        if not published:
            raise FileNotFoundError(
                f"{key}=last: no safetensors file in {folder}/; training writes it there"
            )
        return max(published, key=lambda file: file.stat().st_mtime)
    if Path(path).exists():
        return Path(path)
    if is_id(path):
        return fetch_model(str(path), key=key)
    raise FileNotFoundError(
        f"{key}={path}: no such file or folder; the bundled networks are best and fast"
    )


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory, so that its file is read only once.

    Attributes:
        path: the file, or the folder of a hub or of ModelScope's model.
        file: the file that holds the weights.
        content: of that file.
    """

    path: Path
    file: Path
    content: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """The hash of the content, in hex digits."""
        return hashlib.sha256(self.content).hexdigest()


def read_checkpoint(path: str | Path | Checkpoint) -> Checkpoint:
    """Read a checkpoint's file; in a folder, WEIGHTS or else MODELSCOPE.

    A `Checkpoint` is returned unchanged.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not a regular file.
    """
    if isinstance(path, Checkpoint):
        return path
    path = Path(path)
    file = path
    if path.is_dir():
        file = path / (WEIGHTS if (path / WEIGHTS).is_file() else MODELSCOPE)
    check_regular(file, "checkpoint file")
    return Checkpoint(path, file, file.read_bytes())
