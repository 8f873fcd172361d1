"""Files: tensors out of one without running anything in it; one written whole or not at all."""

from __future__ import annotations

import errno
import os
import pickle
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


PARTIAL = ".partial"  # ending of what is being written; left behind only by a kill


def write_whole(
    file: str | Path, content: bytes | memoryview | str, *, replace: bool = True
) -> Path:
    """Write a file so that it is whole or absent, whoever else writes it meanwhile.

    It is written beside its name, brought to the disk, and then moved there; its folder is made.
    Text is UTF-8. Every file of the project is written by this function. Returns the path.

    Args:
        replace: False keeps a file that is there already.

    Raises:
        FileExistsError: there is such a file, and `replace` is False.
        OSError: the file cannot be written; what stood there before still does.
    """
    file = Path(file)
    partial = file.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
    try:
        _make_folder(file.parent)
        with partial.open("wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        if not replace:
            os.link(partial, file)  # which refuses where a move would replace
        else:
            partial.replace(file)
    except OSError as error:  # some name no file, others the partial one
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return file


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None


def check_writable(folder: str | Path) -> None:
    """Make a folder and try to write in it, before hours are spent on what will go there.

    Raises:
        OSError: it cannot be made or written.
    """
    try:
        write_whole(Path(folder) / f".{uuid.uuid4().hex}", b"").unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def remove_partials(folder: str | Path) -> None:
    """Remove what writers that were killed left in a folder.

    What was touched in the last two seconds may be another process's, and stays.
    """
    for partial in Path(folder).glob(f".*{PARTIAL}"):
        with suppress(OSError):
            if time.time() - partial.stat().st_mtime > 2:
                partial.unlink()


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A safetensors file or a `torch.save`d state dict -> its tensors on the CPU, and its metadata.

    The two are told apart by their first bytes, not by the name. A state dict may lie under the
    key `state_dict`, as in Lightning's checkpoints; beside it, strings are metadata. A safetensors
    file has its own; else it is empty.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither format, damaged, or a pickle holding more than tensors and plain
            values: that is refused, never run (`weights_only=True`).
    """
    import torch
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint file {path}")
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:9] == b"{":
        try:
            with safe_open(path, framework="pt") as tensors:
                state = {key: tensors.get_tensor(key) for key in list(tensors.keys())}
                return state, dict(tensors.metadata() or {})
        except SafetensorError as error:
            raise ValueError(f"{path}: damaged safetensors file: {error}") from error
    try:
        with path.open("rb") as file:  # a path would let PyTorch go by its suffix
            content = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: neither safetensors nor a plain state dict saved by torch.save "
            f"(programs inside a pickle are refused, not run): {str(error).splitlines()[0]}"
        ) from error
    metadata = {}
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        metadata = {key: value for key, value in content.items() if isinstance(value, str)}
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise ValueError(f"{path}: holds no state dict")
    for key, value in content.items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"{path}: {key} is a {type(value).__name__}, not a tensor")
    return dict(content), metadata


def check_tensors(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> None:
    """Compare names and shapes before loading.

    Raises:
        ValueError: names the first missing, left-over or misshapen tensor and how many there are.
    """
    missing = [key for key in expected if key not in state]
    extra = [key for key in state if key not in expected]
    misshapen = [k for k in expected if k in state and state[k].shape != expected[k].shape]
    problems = []
    if missing:
        problems.append(f"{len(missing)} missing, the first is {missing[0]}")
    if extra:
        problems.append(f"{len(extra)} left over, the first is {extra[0]}")
    if misshapen:
        key = misshapen[0]
        shapes = f"{tuple(state[key].shape)} instead of {tuple(expected[key].shape)}"
        problems.append(f"{len(misshapen)} of another shape, the first is {key}: {shapes}")
    if problems:
        raise ValueError(f"{source} does not fit the network: {'; '.join(problems)}")
