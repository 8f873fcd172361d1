"""Choose the device, the precision and the number of cores, for training, scoring and detection.

Functions import PyTorch when they need it; detection on a CPU does not.
"""

from __future__ import annotations

import ctypes
import math
import os
import platform
import re
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import torch

S = TypeVar("S")
T = TypeVar("T")
Precision = Literal["auto", "fp32", "bf16", "fp16"]
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}  # PyTorch's names
OUT_OF_MEMORY = re.compile("out of memory|(can't|failed to|not enough memory.*) allocate", re.I)
AHEAD = 4  # items in flight for each thread
SHARED = "/dev/shm"  # the memory that processes share on Linux
BATCHES_AHEAD = 4  # per worker: two waiting, one in the making, one in use


def pick_device(name: str = "auto") -> torch.device:
    """`auto` is the GPU if there is one; other names are PyTorch's.

    Raises:
        ValueError: there is no such device on this machine.
    """
    import torch

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
    """The precision for detection and scoring.

    `auto` is bf16 if the device computes in it, else fp16 on a GPU and fp32 on a CPU. A CPU
    computes in bf16 if it has AVX512-BF16 or AMX; on others bf16 would be slower.
    """
    import torch

    if name != "auto":
        return to_dtype(name)
    if device.type == "cuda":
        return torch.bfloat16 if _gpu_has_bf16() else torch.float16
    can = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32


def training_precision(gpu: bool, name: Precision = "auto") -> Precision:
    """The precision for training. `auto`: bf16 on a GPU (fp16 if it lacks bf16), fp32 on a CPU."""
    if name != "auto":
        return name
    if not gpu:
        return "fp32"
    return "bf16" if _gpu_has_bf16() else "fp16"


def to_dtype(word: str) -> torch.dtype:
    """PyTorch's type for fp32, bf16 or fp16."""
    import torch

    dtype: torch.dtype = getattr(torch, DTYPES[word])
    return dtype


def precision_name(dtype: torch.dtype) -> str:
    """The word for a type: fp32, bf16 or fp16."""
    return next(word for word, name in DTYPES.items() if str(dtype) == f"torch.{name}")


def has_gpu() -> bool:
    """Whether NVIDIA's driver finds a GPU. Asking PyTorch would take seconds."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    count = ctypes.c_int(0)
    try:
        driver = ctypes.CDLL(name)
        done = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    except (OSError, AttributeError):
        return False
    return done and count.value > 0


def cores(root: Path = Path("/")) -> int:
    """The number of cores that this process may use, by its affinity and its container's quota.

    `root` is the folder with `proc` and `sys`.
    """
    if sys.platform != "linux":
        return os.cpu_count() or 1
    most = len(os.sched_getaffinity(0))
    return max(1, min([most, *(math.ceil(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """The limits on cores that the control groups of this process set, if any.

    https://docs.kernel.org/admin-guide/cgroup-v2.html (`cpu.max`); version 1 has `cpu.cfs_quota_us`
    and `cpu.cfs_period_us`.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / controllers
        here = base / path.lstrip("/")
        for folder in (here, *here.parents):  # the limits of parent groups apply too
            try:
                if controllers:
                    words = [(folder / f"cpu.cfs_{x}_us").read_text() for x in ("quota", "period")]
                else:
                    words = (folder / "cpu.max").read_text().split()
                quota, period = (float(word) for word in words)
            except (OSError, ValueError):  # no such file; or `max`, no limit
                quota = period = -1
            if quota > 0 and period > 0:
                yield quota / period
            if folder == base:
                break


def processor() -> str:
    """The processor's name, such as `AMD EPYC`, or where that is not known its architecture."""
    known = Path("/proc/cpuinfo")
    fallback = platform.processor() or platform.machine()
    if known.is_file():
        named = (line for line in known.read_text().splitlines() if line.startswith("model name"))
        return next(named, f":{fallback}").partition(":")[2].strip()
    return fallback


def import_onnxruntime() -> Any:
    """The module onnxruntime without its telemetry.

    Version 1.32 starts telemetry on import and writes a file into the folder for temporary files.
    If the user has set the variable, it keeps that value.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory for the rest of this process; returns whether it does.

    A training step frees and requests the same large blocks. If they go back to the system, it
    fills them with zeros on every step, which takes up to a third of the time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt if sys.platform == "linux" else None
    except (OSError, AttributeError):  # another C library
        return False
    options = {-4: 0, -1: 2**31 - 1, -2: 2**28}  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
    return mallopt is not None and all(mallopt(*option) == 1 for option in options.items())


def in_parallel(
    function: Callable[[S], T], items: Iterable[S], workers: int | None = None
) -> Iterator[T]:
    """`map` on threads: results in the items' order, a few in flight at a time.

    For functions that release the interpreter's lock: readers of pictures, networks, compiled
    loops. The next item is requested when a thread is free, so that producing items overlaps too.

    Args:
        function: of one item.
        items: any number of items.
        workers: threads, at least 1; by default one per core that this process may use.

    Raises:
        ValueError: `workers` is below 1. And what the function raises; items that have not started
            by then are skipped.
    """
    count = cores() if workers is None else workers
    if count < 1:
        raise ValueError(f"workers is {count}; give 1 or more, or None for all cores")
    return _in_order(function, items, count)


def _in_order(function: Callable[[S], T], items: Iterable[S], count: int) -> Iterator[T]:
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(count)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= AHEAD * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def loader_workers(asked: int | None, batch_bytes: int = 0) -> int:
    """Processes that decode pictures: as asked, or one per core, at most 16.

    Fewer, with a warning, if their batches would not fit into shared memory. Docker gives 64 MB by
    default, and PyTorch would end with "bus error".

    Args:
        asked: how many; None for one per core.
        batch_bytes: size of a batch of tensors.
    """
    workers = min(cores(), 16) if asked is None else asked
    room = shared_memory_left()
    if room is None or not batch_bytes:
        return workers
    most = room // (batch_bytes * BATCHES_AHEAD)
    if workers <= most:
        return workers
    warnings.warn(
        f"{SHARED} has {room / 1e6:.0f} MB left, too little for {workers} workers: {most} decode "
        "pictures (docker run --shm-size=2g gives more)",
        stacklevel=2,
    )
    return most


def shared_memory_left() -> int | None:
    """Free bytes of shared memory; None if it has no such limit."""
    try:
        state = os.statvfs(SHARED)
    except (OSError, AttributeError):  # another system
        return None
    return state.f_bavail * state.f_frsize


def _gpu_has_bf16() -> bool:
    # Emulated bf16 is slower than fp16, and cards before Ampere only emulate it.
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))
