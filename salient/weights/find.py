"""Which file a checkpoint is: the weights in the box by name, the newest of a training, a path."""

from __future__ import annotations

from pathlib import Path

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
