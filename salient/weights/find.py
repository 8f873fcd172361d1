"""Which file a checkpoint is: the weights in the box by name, the newest of a training, a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from salient.files import check_regular

BOX = Path(__file__).parent / "box"  # the weights in the box, by name: best, fast
DEFAULT = "best"


def find_checkpoint(
    path: str | Path | None = None, folder: str | Path = "checkpoints", key: str = "checkpoint"
) -> Path:
    """The file of a checkpoint, which is a path or a word.

    The words are `best` and `fast`, the weights in the box, of which `best` is taken if `path` is
    None; and `last`, the newest safetensors file that `train.py` published in `folder`.

    Raises:
        FileNotFoundError: there is nothing at `path`, or nothing was published.
    """
    path = DEFAULT if path is None else path
    boxed = BOX / f"{path}.safetensors"
    if boxed.parent == BOX and boxed.is_file():
        return boxed
    if str(path) == "last":
        published = list(Path(folder).glob("*.safetensors"))
        if not published:
            raise FileNotFoundError(
                f"{key}=last: no safetensors file in {folder}/; training puts it there"
            )
        return max(published, key=lambda file: file.stat().st_mtime)
    if not Path(path).exists():
        raise FileNotFoundError(
            f"{key}={path}: no such file or folder, nor one of the words best, fast, last"
        )
    return Path(path)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that is read once, for all that is to be known of it.

    Attributes:
        path: the file, or the folder of ModelScope's model.
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
    """A checkpoint's file, which of ModelScope's folder is `pytorch_model.bin`; one that was read
    before comes back as it is.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no regular file.
    """
    if isinstance(path, Checkpoint):
        return path
    path = Path(path)
    file = path / "pytorch_model.bin" if path.is_dir() else path
    check_regular(file, "checkpoint file")
    return Checkpoint(path, file, file.read_bytes())
