"""The engine of PyTorch: any device, any precision."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from salient.arrays import Picture, Probabilities
from salient.detection.quality import find_fit
from salient.devices import Precision, cores, pick_device, pick_precision, precision_name
from salient.model.base import Network
from salient.weights.find import Checkpoint, read_checkpoint
from salient.weights.store import checksum, load_network, read_metadata

_IMPORTED_IN = os.getpid()  # a process with another id is a fork


class TorchEngine:
    """A network in eval mode, on its device. See `Engine`.

    In a fork of a process that used PyTorch, it computes on one thread: PyTorch's other threads do
    not exist there, and waiting for them would never end.

    Args:
        network: the network to run.
        precision: a 16-bit type runs it under autocast.
        checkpoint: the file that it was loaded from. A copy of the engine in another process loads
            the file again; without a file, the network itself is sent.
    """

    def __init__(
        self,
        network: Network,
        precision: torch.dtype = torch.float32,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        device = network.mean.device
        self.network, self.dtype = network, precision
        self.file, self.quality = None, None
        if checkpoint is not None:
            self.file = checkpoint.path.absolute(), checkpoint.sha256
            self.quality = find_fit(checkpoint.path, lambda: _crc32(checkpoint, network))
        self.precision = precision_name(precision)
        self.name = f"PyTorch {self.precision}" + ("" if device.type == "cpu" else f" on {device}")
        self.origin, self.size, self.resize = network.origin, network.size, network.resize
        self.on_cores = device.type == "cpu"
        self._default, self._device = torch.get_num_threads(), threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.file is None:
            return TorchEngine, (self.network, self.dtype)
        path, sha256 = self.file
        return _open_again, (path, sha256, str(self.network.mean.device), self.precision)

    @property
    def sha256(self) -> str | None:
        """Of the checkpoint's file; None of a network in memory."""
        return self.file and self.file[1]

    def run(self, squares: Picture, threads: int | None = None) -> Probabilities:
        """As `Engine.run`."""
        batch = torch.from_numpy(np.ascontiguousarray(squares)).permute(0, 3, 1, 2)
        # On a GPU one batch at a time; other threads decode meanwhile.
        with self._on_threads(threads) if self.on_cores else self._device:
            return self.network.predict(batch, self.dtype)

    @contextmanager
    def _on_threads(self, threads: int | None) -> Iterator[None]:
        """Compute on `threads`, but not more than exist and may be used."""
        if leave_lost_threads():
            yield
            return
        most = min(self._default, cores()) if threads is None else threads
        if most == self._default:
            yield
            return
        torch.set_num_threads(most)  # for this thread, and the default of new ones
        try:
            yield
        finally:
            torch.set_num_threads(self._default)


def _crc32(checkpoint: Checkpoint, network: Network) -> str:
    """The checksum that a checkpoint carries, or that of what was made of it."""
    state = {key: tensor.cpu() for key, tensor in network.state_dict().items()}
    return read_metadata(checkpoint).get("crc32") or checksum(state)


def load_torch_engine(
    checkpoint: Checkpoint, device: str = "auto", precision: Precision = "auto"
) -> TorchEngine:
    """The engine of a checkpoint, on `pick_device(device)` in `pick_precision`.

    Raises as `load_network`.
    """
    leave_lost_threads()
    place = pick_device(device)
    network = load_network(checkpoint, place)
    return TorchEngine(network, pick_precision(place, precision), checkpoint)


def _open_again(path: Path, sha256: str, device: str, precision: Precision) -> TorchEngine:
    """The engine in another process, from the same file."""
    checkpoint = read_checkpoint(path)
    if checkpoint.sha256 != sha256:
        raise ValueError(f"{path}: changed since it was opened in the other process")
    return load_torch_engine(checkpoint, device, precision)


def leave_lost_threads() -> bool:
    """In a fork of a process that used PyTorch, compute on this thread; returns whether it is one.

    The other threads do not exist there, so waiting for them would never end.
    """
    parent = multiprocessing.parent_process()
    is_worker = parent is not None and multiprocessing.get_start_method(True) == "fork"
    if not is_worker and os.getpid() == _IMPORTED_IN:
        return False
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)
    return True
