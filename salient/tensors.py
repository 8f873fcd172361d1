"""Read tensors from a file without running anything in it, and check those of a network."""

from __future__ import annotations

import json
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from salient.files import check_regular

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_HEADER = 20_000_000  # bytes that describe the tensors of a file: enough for 100 000
MOST_PARTS = 50_000  # of a zip archive: one per tensor


def read_tensors(
    path: str | Path, content: bytes | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A safetensors file or a `torch.save`d state dict -> its tensors on the CPU, and its metadata.

    Pass the file's `content` if it is already in memory. The first bytes decide which format it is,
    not the name. A state dict may be under the key `state_dict`, as in Lightning's checkpoints;
    strings next to it are metadata. A safetensors file has its own metadata.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither format, it is damaged, or it is a pickle with more than tensors
            and plain values. Such a pickle is refused, never run.
    """
    import torch

    path = Path(path)
    if content is None:
        check_regular(path, "checkpoint file")
        content = path.read_bytes()
    if _begins_as_safetensors(content, path):
        return _read_safetensors(path, content)
    saved = read_pickle(path, content)
    metadata = {}
    if isinstance(saved, Mapping) and isinstance(saved.get("state_dict"), Mapping):
        metadata = {str(k): value for k, value in saved.items() if isinstance(value, str)}
        saved = saved["state_dict"]
    if not isinstance(saved, Mapping) or not saved:
        raise ValueError(f"{path}: contains no state dict")
    for key, value in saved.items():
        if not isinstance(key, str):
            raise ValueError(
                f"{path}: the name {key!r:.80} is a {type(key).__name__}, not a string"
            )
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"{path}: {key} is a {type(value).__name__}, not a tensor")
    return dict(saved), metadata


def is_safetensors(path: str | Path) -> bool:
    """Whether a file begins as safetensors do: eight bytes of length, then JSON.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is empty, or not a regular file.
    """
    check_regular(path, "checkpoint file")
    with Path(path).open("rb") as file:
        return _begins_as_safetensors(file.read(9), path)


def _begins_as_safetensors(content: bytes, path: str | Path) -> bool:
    if not content:
        raise ValueError(f"{path}: an empty file, not a checkpoint")
    return content[8:9] == b"{"


def _read_safetensors(path: Path, content: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors.torch import load

    length = int.from_bytes(content[:8], "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"{path}: its header has {length / 1e6:.0f} MB; refused, not read")
    try:
        state = load(content)  # which checks the header
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except Exception as error:  # whatever a foreign file provokes
        raise ValueError(f"{path}: damaged safetensors file: {_reason(error)}") from error
    return state, metadata


def read_pickle(path: str | Path, content: bytes | None = None) -> Any:
    """Read a file of `torch.save` that contains only tensors and plain values; on the CPU.

    Pass the file's `content` if it is already in memory.

    Raises:
        ValueError: the file is damaged or contains anything else. Nothing in it is run.
    """
    import torch

    try:  # a path would let PyTorch go by its suffix
        with Path(path).open("rb") if content is None else BytesIO(content) as file:
            length = file.seek(0, os.SEEK_END)
            if zipfile.is_zipfile(file):
                _check_parts(file, length)
                with zipfile.ZipFile(file) as archive:
                    size = sum(entry.file_size for entry in archive.infolist())
                    pickles = [e for e in archive.infolist() if e.filename.endswith(".pkl")]
                    pickled = sum(entry.file_size for entry in pickles)
                    if pickled > LONGEST_HEADER:
                        raise ValueError(f"its names and values take {pickled / 1e6:.0f} MB")
                    if size > length:  # torch.save does not compress
                        raise ValueError(f"it would unpack to {size} bytes")
                    if spoilt := archive.testzip():
                        raise ValueError(f"damaged: the check sum of {spoilt} is another")
            file.seek(0)
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a foreign file provokes
        raise ValueError(
            f"{path}: neither safetensors nor tensors saved by torch.save "
            f"(programs inside a pickle are refused, not run): {_reason(error)}"
        ) from error


def _check_parts(file: BinaryIO, length: int) -> None:
    """Refuse a zip archive with too many parts before listing them, which would take minutes.

    Raises:
        ValueError: it has more than MOST_PARTS.
    """
    file.seek(max(length - 65_557, 0))  # the closing record and its comment
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    parts = int.from_bytes(tail[at + 10 : at + 12], "little")  # 65535: that many, or more
    if parts > MOST_PARTS:
        raise ValueError(f"it holds {parts} tensors or more")


def _reason(error: Exception) -> str:
    """Why a file was refused, briefly; never PyTorch's advice to read it less strictly."""
    program = re.search(r"GLOBAL ([\w.]+)", str(error))
    if program:
        return f"it calls {program[1]}"
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
        return "its pickle is damaged, or holds other objects"
    return f"{str(error).partition(chr(10))[0] or type(error).__name__:.200}"


def check_tensors(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> None:
    """Compare names, shapes and types before loading.

    Raises:
        ValueError: tensors are missing, left over, misshapen, or of another type, such as complex
            or sparse. The message has the first and how many there are.
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
    """Refuse weights that would silently give grey or empty maps.

    Raises:
        ValueError: a tensor has NaN or an infinite value, or a negative variance; the message names
            the first.
    """
    import torch

    for key, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise ValueError(f"{source}: {key} contains NaN or infinite values")
        if key.endswith("running_var") and (tensor < 0).any():
            raise ValueError(f"{source}: {key} contains negative variances")
