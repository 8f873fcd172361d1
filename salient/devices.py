"""Where to compute, and in which precision: one vocabulary for training, scoring and detection."""

from __future__ import annotations

import os
import sys
from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def pick_device(name: str = "auto") -> torch.device:
    """`auto` is the GPU if there is one; anything else is PyTorch's name of a device.

    Raises:
        ValueError: no such device, or none is usable here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    word, _, number = name.partition(":")
    if word not in ("cpu", "cuda", "mps") or (number and not number.isdecimal()):
        raise ValueError(f"device: {name!r} is not valid; use auto, cpu, cuda, cuda:1 or mps")
    if word == "mps" and not torch.backends.mps.is_available():
        raise ValueError(f"device={name}: PyTorch finds no Apple GPU here; use device=cpu")
    if word == "cuda":
        count = torch.cuda.device_count()
        if int(number or 0) >= count:
            raise ValueError(f"device={name}: PyTorch finds {count} GPUs here; use device=cpu")
    return torch.device(name)


def pick_precision(device: torch.device, name: Precision = "auto") -> torch.dtype:
    """What to detect or score in. `auto`: bf16 where the device has it; else fp16 on a GPU.

    A CPU computes with bf16 if it has AVX512-BF16 or AMX; on others it would be slower.
    """
    if name != "auto":
        return DTYPES[name]
    if device.type == "cuda":
        return torch.bfloat16 if _gpu_has_bf16() else torch.float16
    can = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32


def training_precision(gpu: bool, name: Precision = "auto") -> Precision:
    """What to train in. `auto`: bf16 on a GPU, fp16 where it lacks bf16, fp32 on a CPU."""
    if name != "auto":
        return name
    if not gpu:
        return "fp32"
    return "bf16" if _gpu_has_bf16() else "fp16"


def precision_name(dtype: torch.dtype) -> str:
    """The word for a type: fp32, bf16 or fp16."""
    return next(name for name, known in DTYPES.items() if known == dtype)


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def loader_workers(asked: int | None) -> int:
    """Processes that decode pictures: as asked for, or as many as there are cores, at most 16."""
    return min(cores(), 16) if asked is None else asked


def _gpu_has_bf16() -> bool:
    # Emulated bf16 is slower than fp16, and cards before Ampere only emulate it.
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))
