"""An exported file next to PyTorch: how far its maps are from ours, and how long it takes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from salient.arrays import Float32
from salient.export.formats import FORMATS
from salient.export.pictures import examples
from salient.export.runtimes import Run
from salient.model.base import Network
from salient.weights.onnx_file import Heads

SAMPLED = 100_000  # differences of a map that the percentile is taken from


class Checked(NamedTuple):
    """What a check found.

    Attributes:
        pictures: how many it ran on.
        difference: the largest of both heads from PyTorch's.
        mean: of the differences.
        percentile: what 99 % of the differences do not exceed.
        pytorch_ms, runtime_ms: milliseconds a picture.
    """

    pictures: int
    difference: float
    mean: float
    percentile: float
    pytorch_ms: float
    runtime_ms: float


def check(
    network: Network,
    path: str | Path,
    probability: bool = True,
    pictures: str | None = None,
) -> Checked:
    """Compare an exported file with PyTorch, on the pictures of a folder or on noise.

    Pictures keep their own size, rounded to 32, unless the format has a fixed one. The latency is
    measured at the network's size, batch 1. Where nothing runs the file on Linux, nothing is
    compared: `pictures` is 0, and what was not measured is NaN.
    """
    path = Path(path)
    known, model = FORMATS[path.suffix], Heads(network, probability)

    @torch.inference_mode()
    def ours(image: Float32) -> Sequence[Float32]:
        return [output.numpy() for output in model(torch.from_numpy(image))]

    inputs = list(examples(network, pictures, known.fixed))
    square = np.resize(inputs[0], (1, 3, network.size, network.size))
    if known.runner is None:
        nan = math.nan
        return Checked(0, nan, nan, nan, latency(ours, square), nan)
    exported = known.runner(path)
    pairs = [pair for x in inputs for pair in zip(ours(x), exported(x), strict=True)]
    found = [np.abs(a - b).ravel() for a, b in pairs]
    some = np.concatenate([values[:: len(values) // SAMPLED + 1] for values in found])
    return Checked(
        len(inputs),
        max(float(values.max()) for values in found),
        float(np.mean([values.mean() for values in found])),
        float(np.quantile(some, 0.99)),
        latency(ours, square),
        latency(exported, square),
    )


def latency(run: Run, image: Float32, rounds: int = 5) -> float:
    """Milliseconds per call, the best of several."""
    run(image)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)
