"""Export a network for other runtimes, and check it there. A new format is an entry in FORMATS.

Input `image`: float32 B,3,H,W, RGB, normalised; B is free, H and W are any multiples of 32. Output
`saliency`: B,1,H,W, the finest map. An ONNX file's metadata holds `mean`, `std` (of RGB in [0, 1]),
`size` (the side that the network was trained at), `resize` (the filter) and `config`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from salient.data.images import SUFFIXES, read_image
from salient.files import write_whole
from salient.model.network import SaliencyNetwork

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
PICTURES = 20  # to check with


class Format(NamedTuple):
    """How a network is written in a format, and what runs the file.

    Attributes:
        runtime: what runs it, in words.
        write: the content of a file for (network, probability or else logit).
        runner: what runs a file: image B,3,H,W -> saliency B,1,H,W.
    """

    runtime: str
    write: Callable[[SaliencyNetwork, bool], bytes]
    runner: Callable[[Path], Run]


class Checked(NamedTuple):
    """What a check found: the largest difference from PyTorch on `pictures`, and milliseconds."""

    pictures: int
    difference: float
    pytorch_ms: float
    runtime_ms: float


class Finest(nn.Module):
    """The network's finest map alone: normalised B,3,H,W -> logit or probability B,1,H,W."""

    def __init__(self, network: SaliencyNetwork, probability: bool) -> None:
        super().__init__()
        self.network, self.probability = network, probability

    def forward(self, image: Tensor) -> Tensor:
        logit: Tensor = self.network(image).saliency[0]
        return torch.sigmoid(logit) if self.probability else logit


def export_program(network: SaliencyNetwork, probability: bool = True) -> ExportedProgram:
    """The network in eval mode as a program of `torch.export`, of free batch and size."""
    model = Finest(network.eval(), probability)
    example = torch.zeros(2, 3, 96, 128)
    sides = {2: 32 * Dim("rows", min=2, max=128), 3: 32 * Dim("columns", min=2, max=128)}
    shapes = {"image": {0: Dim("batch", min=1, max=1024), **sides}}
    with torch.no_grad():
        return torch.export.export(model, (example,), dynamic_shapes=shapes)


def write_onnx(network: SaliencyNetwork, probability: bool = True) -> bytes:
    """The network as ONNX, with its constants as metadata."""
    import onnx

    program = torch.onnx.export(
        export_program(network, probability),
        input_names=["image"],
        output_names=["saliency"],
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    config = network.config
    constants = {key: json.dumps(config[key]) for key in ("mean", "std", "size", "resize")}
    onnx.helper.set_model_props(model, constants | {"config": json.dumps(config)})
    return bytes(model.SerializeToString())


def run_onnx(path: Path) -> Run:
    """Run an ONNX file by onnxruntime, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda image: np.asarray(session.run(["saliency"], {"image": image})[0])


def write_pt2(network: SaliencyNetwork, probability: bool = True) -> bytes:
    """The network as a program of `torch.export`."""
    content = BytesIO()
    torch.export.save(export_program(network, probability), content)
    return content.getvalue()


def run_pt2(path: Path) -> Run:
    """Run a program of `torch.export` by PyTorch."""
    module = torch.export.load(path).module()
    return lambda image: np.asarray(module(torch.from_numpy(image)).detach())


FORMATS = {
    ".onnx": Format("onnxruntime", write_onnx, run_onnx),
    ".pt2": Format("torch.export", write_pt2, run_pt2),
}


def export_network(network: SaliencyNetwork, path: str | Path, probability: bool = True) -> Path:
    """Write the network in eval mode; the file's ending chooses the format.

    Raises:
        ValueError: no format has that ending.
        ModuleNotFoundError: the format's package is not installed.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"output={path}: the name ends in {' or '.join(FORMATS)}")
    return write_whole(path, FORMATS[path.suffix].write(network.eval(), probability))


def check(
    network: SaliencyNetwork,
    path: str | Path,
    probability: bool = True,
    pictures: str | None = None,
) -> Checked:
    """Run an exported file beside PyTorch, on the pictures of a folder or else on noise.

    Each at its own size rounded to 32; the latency is at the network's size, batch 1.
    """
    path = Path(path)
    model, exported = Finest(network, probability), FORMATS[path.suffix].runner(path)

    @torch.inference_mode()
    def ours(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(model(torch.from_numpy(image)))

    inputs = list(examples(network, pictures))
    difference = max(float(np.abs(ours(x) - exported(x)).max()) for x in inputs)
    square = np.resize(inputs[0], (1, 3, network.size, network.size))
    return Checked(len(inputs), difference, latency(ours, square), latency(exported, square))


def examples(network: SaliencyNetwork, pictures: str | None) -> Iterator[NDArray[np.float32]]:
    """Normalised inputs 1,3,H,W: pictures at their own sizes rounded to 32, or noise."""
    if pictures is None:
        noise = np.random.default_rng(0)
        images = [noise.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((96, 160), (352, 352))]
    else:
        files = sorted(p for p in Path(pictures).iterdir() if p.suffix.lower() in SUFFIXES)
        images = [read_image(path) for path in files[:PICTURES]]
    for image in images:
        height, width = (max(32 * round(side / 32), 64) for side in image.shape[:2])
        square = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        batch = torch.from_numpy(square).permute(2, 0, 1)[None]
        yield network.normalize(batch).contiguous().numpy()


def latency(run: Run, image: NDArray[np.float32], rounds: int = 5) -> float:
    """Milliseconds a call, the best of several."""
    run(image)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)
