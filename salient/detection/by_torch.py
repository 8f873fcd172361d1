"""The engine by PyTorch: any device, any precision."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import torch

from salient.arrays import Picture
from salient.detection.engine import Found
from salient.devices import Precision, pick_device, pick_precision, precision_name
from salient.model.base import Network
from salient.weights.store import load_network


class TorchEngine:
    """A network in eval mode, on the device that it is on. See `Engine`.

    Args:
        network: what runs.
        precision: a type of 16 bits runs it under autocast.
    """

    def __init__(self, network: Network, precision: torch.dtype = torch.float32) -> None:
        device = network.mean.device
        self.network, self.precision = network, precision
        self.name = f"PyTorch {precision_name(precision)}"
        self.name += "" if device.type == "cpu" else f" on {device}"
        self.origin, self.size, self.resize = network.origin, network.size, network.resize
        self.on_cores = device.type == "cpu"
        self._threads, self._device = torch.get_num_threads(), threading.Lock()

    def run(self, squares: Picture, flip: bool = False, alone: bool = True) -> Found:
        """As `Engine.run`."""
        batch = torch.from_numpy(np.ascontiguousarray(squares)).permute(0, 3, 1, 2)
        if not self.on_cores:
            with self._device:  # one batch at a time; other threads decode meanwhile
                found = self.network.predict(batch, self.precision, flip)
        elif alone:
            found = self.network.predict(batch, self.precision, flip)
        else:
            torch.set_num_threads(1)  # of this thread; what was set last is also that of new ones
            found = self.network.predict(batch, self.precision, flip)
            torch.set_num_threads(self._threads)
        return Found(found.saliency.numpy(), None if found.edge is None else found.edge.numpy())


def load_torch_engine(
    path: str | Path, device: str = "auto", precision: Precision = "auto"
) -> TorchEngine:
    """Of a checkpoint, on `pick_device(device)` in `pick_precision`.

    Raises as `load_network`.
    """
    place = pick_device(device)
    return TorchEngine(load_network(path, place), pick_precision(place, precision))
