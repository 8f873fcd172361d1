"""Files: tensors out of one without running anything in it; one written whole or not at all."""

from __future__ import annotations

import errno
import os
import pickle
import re
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from torch import Tensor

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
        if not replace:
            os.link(partial, file)  # which refuses where a move would replace
        else:
            partial.replace(file)
    except OSError as error:  # some name no file, others the partial one
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


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


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A safetensors file or a `torch.save`d state dict -> its tensors on the CPU, and its metadata.

    The two are told apart by their first bytes, not by the name. A state dict may lie under the
    key `state_dict`, as in Lightning's checkpoints; beside it, strings are metadata. A safetensors
    file has its own; else it is empty.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither format, damaged, or a pickle holding more than tensors and plain
            values: that is refused, never run.
    """
    import torch
    from safetensors import safe_open

    path = Path(path)
    if is_safetensors(path):
        try:
            with safe_open(path, framework="pt") as tensors:
                state = {key: tensors.get_tensor(key) for key in list(tensors.keys())}
                return state, dict(tensors.metadata() or {})
        except Exception as error:  # whatever a foreign file provokes
            raise ValueError(f"{path}: damaged safetensors file: {_reason(error)}") from error
    content = read_pickle(path)
    metadata = {}
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        metadata = {str(k): value for k, value in content.items() if isinstance(value, str)}
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise ValueError(f"{path}: holds no state dict")
    for key, value in content.items():
        if not isinstance(key, str):
            raise ValueError(f"{path}: the name {key!r:.80} is a {type(key).__name__}, not a text")
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"{path}: {key} is a {type(value).__name__}, not a tensor")
    return dict(content), metadata


def is_safetensors(path: str | Path) -> bool:
    """Whether a file begins as safetensors do: eight bytes of length, then JSON.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is empty.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint file {path}")
    with path.open("rb") as file:
        head = file.read(9)
    if not head:
        raise ValueError(f"{path}: an empty file, no checkpoint")
    return head[8:] == b"{"


def read_pickle(path: str | Path) -> Any:
    """What `torch.save` wrote, if it is tensors and plain values alone; on the CPU.

    Raises:
        ValueError: a damaged file, or one with anything else in it: nothing of it is run.
    """
    import torch

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
                if size > Path(path).stat().st_size:  # torch.save does not compress
                    raise ValueError(f"it would unpack to {size} bytes")
                if spoilt := archive.testzip():
                    raise ValueError(f"damaged: the check sum of {spoilt} is another")
        with Path(path).open("rb") as file:  # a path would let PyTorch go by its suffix
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a foreign file provokes
        raise ValueError(
            f"{path}: neither safetensors nor tensors saved by torch.save "
            f"(programs inside a pickle are refused, not run): {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    """What is wrong with a file, in few words; never PyTorch's advice to read it less strictly."""
    program = re.search(r"GLOBAL ([\w.]+)", str(error))
    if program:
        return f"it calls {program[1]}"
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
        return "its pickle is damaged, or holds other objects"
    return f"{str(error).partition(chr(10))[0] or type(error).__name__:.200}"


def check_tensors(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> None:
    """Compare names, shapes and types before loading.

    Raises:
        ValueError: names the first missing, left-over or misshapen tensor and how many there are;
            or one that is of another type than its place, such as complex or sparse.
    """
    import torch

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
    for key, tensor in state.items():
        dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
        if not dense or tensor.is_floating_point() != expected[key].is_floating_point():
            kind = f"{tensor.layout} {tensor.dtype} on {tensor.device}"
            raise ValueError(f"{source}: {key} is {kind}; the network takes {expected[key].dtype}")


def check_finite(state: Mapping[str, Tensor], source: str) -> None:
    """Refuse weights with which a network gives grey maps or none, without an error.

    Raises:
        ValueError: names the first tensor that holds NaN or an infinite value, or a negative
            variance.
    """
    import torch

    for key, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ValueError(f"{source}: {key} holds values that are NaN or infinite")
        if key.endswith("running_var") and (tensor < 0).any():
            raise ValueError(f"{source}: {key} holds negative variances")
