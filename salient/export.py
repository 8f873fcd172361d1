"""Export a network for other runtimes, and check it there. A new format is an entry in FORMATS.

`salient.weights.onnx_file` describes inputs, outputs and metadata of the files.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from tqdm import tqdm

from salient.arrays import Float32, Picture
from salient.data.formats import SUFFIXES, is_litter
from salient.data.images import read_image
from salient.data.transforms import squash
from salient.detection.load import cache_folder
from salient.devices import import_onnxruntime
from salient.files import write_whole
from salient.model.base import Network
from salient.serving.offline import ARCHIVE, build_offline_page, read_model, read_runtime
from salient.weights.int8 import quantise
from salient.weights.onnx_file import Heads, constants, export_program, write_onnx

Run = Callable[[Float32], Sequence[Float32]]
METADATA = "metadata.json"  # in a program of torch.export
PICTURES = 20  # used for the check
CALIBRATED = 64  # pictures used to find the ranges of activations
SAMPLED = 100_000  # differences of a map that the percentile is taken from


class Format(NamedTuple):
    """How to write a network in a format, and how to run the file.

    Attributes:
        runtime: the name of the program that runs it.
        write: makes the content of a file from (network, probability or else logit, weights in 16
            bits); a format may take further keywords.
        runner: opens a file; returns a function from image B,3,H,W to the outputs of `Heads`.
    """

    runtime: str
    write: Callable[..., bytes]
    runner: Callable[[Path], Run]


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


def run_onnx(path: Path) -> Run:
    """Run an ONNX file with onnxruntime, on the CPU."""
    onnxruntime = import_onnxruntime()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"image": image})


def write_pt2(network: Network, probability: bool = True, half: bool = False) -> bytes:
    """The network as a program of `torch.export`, with its metadata as METADATA."""
    if half:
        raise ValueError("half: a program of torch.export stores 32 bits; output=model.onnx has 16")
    content, metadata = BytesIO(), json.dumps(constants(network, probability))
    torch.export.save(
        export_program(network, probability), content, extra_files={METADATA: metadata}
    )
    return content.getvalue()


def run_pt2(path: Path) -> Run:
    """Run a program of `torch.export` with PyTorch."""
    module = torch.export.load(path).module()
    return lambda image: [x.detach().numpy() for x in module(torch.from_numpy(image))]


def write_page(
    network: Network, probability: bool = True, half: bool = False, runtime: str | None = None
) -> bytes:
    """A page in one file that detects in a browser, without a server; its weights are in 16 bits.

    Args:
        network, probability, half: as for every format; a page needs probabilities.
        runtime: npm's archive of onnxruntime-web, or a folder with its files; by default
            `cache_folder()`, where `npm pack` may have put it.
    """
    if not probability:
        raise ValueError("content: a page takes probabilities")
    files = read_runtime(runtime or cache_folder() / ARCHIVE)
    known = {key: json.loads(value) for key, value in constants(network, half=True).items()}
    name = Path((network.origin or "").partition(",")[0]).stem or "network"
    return build_offline_page(write_onnx(network, half=True), known, name, files)


def run_page(path: Path) -> Run:
    """Run the ONNX file inside a page with onnxruntime, on the CPU, not in a browser."""
    session = import_onnxruntime().InferenceSession(
        read_model(path.read_bytes()), providers=["CPUExecutionProvider"]
    )
    return lambda image: session.run(None, {"image": image})


FORMATS = {
    ".onnx": Format("onnxruntime", write_onnx, run_onnx),
    ".pt2": Format("torch.export", write_pt2, run_pt2),
    ".html": Format("onnxruntime", write_page, run_page),
}


def export_network(
    network: Network,
    path: str | Path,
    probability: bool = True,
    half: bool = False,
    int8: str | None = None,
    runtime: str | None = None,
) -> Path:
    """Write the network in eval mode; the file's extension chooses the format.

    Args:
        network: the network to export.
        path: the file to write.
        probability: the outputs are probabilities; otherwise logits.
        half: store weights in 16 bits; runtimes still compute in 32 bits.
        int8: a folder of pictures for calibration, to compute in 8 bits (ONNX only).
        runtime: see `write_page`.

    Raises:
        ValueError: no format has this extension, or not in this precision; a weight is not finite,
            also in 16 bits; or the folder contains no pictures.
        ModuleNotFoundError: the format's package is not installed.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"output={path}: the name ends in {' or '.join(FORMATS)}")
    if int8 is not None and (half or path.suffix != ".onnx"):
        raise ValueError("int8: only for output=model.onnx, and not with half=true")
    if runtime is not None and path.suffix != ".html":
        raise ValueError("runtime: only for output=detect.html")
    images = None if int8 is None else calibration(network, int8)  # before the minute of writing
    options = {} if runtime is None else {"runtime": runtime}
    content = FORMATS[path.suffix].write(network.eval(), probability, half, **options)
    return write_whole(
        path, content if images is None else quantise(content, images, network.float_before)
    )


def calibration(network: Network, folder: str) -> Iterator[Float32]:
    """Normalised inputs 1,3,S,S of the network's size S: pictures of a folder, evenly chosen.

    Raises:
        ValueError: there are none.
    """
    files = pictures_in(folder)
    if not files:
        raise ValueError(f"int8={folder}: no pictures there")
    step = max(len(files) // CALIBRATED, 1)
    squares = (
        squash(read_image(path), network.size, network.resize)
        for path in files[::step][:CALIBRATED]
    )
    count = len(files[::step][:CALIBRATED])
    shown = tqdm(squares, "calibration", count, unit="picture", disable=None)
    return (_normalise(network, square) for square in shown)


def pictures_in(folder: str) -> list[Path]:
    """The files of a folder with an image extension, sorted by name."""
    return sorted(
        p for p in Path(folder).iterdir() if p.suffix.lower() in SUFFIXES and not is_litter(p)
    )


def _normalise(network: Network, picture: Picture) -> Float32:
    """H,W,3 -> the network's input, 1,3,H,W."""
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None]
    return np.asarray(network.normalize(batch).contiguous())


def check(
    network: Network,
    path: str | Path,
    probability: bool = True,
    pictures: str | None = None,
) -> Checked:
    """Compare an exported file with PyTorch, on the pictures of a folder or on noise.

    Pictures keep their own size, rounded to 32. The latency is measured at the network's size,
    batch 1.
    """
    path = Path(path)
    model, exported = Heads(network, probability), FORMATS[path.suffix].runner(path)

    @torch.inference_mode()
    def ours(image: Float32) -> Sequence[Float32]:
        return [output.numpy() for output in model(torch.from_numpy(image))]

    inputs = list(examples(network, pictures))
    pairs = [pair for x in inputs for pair in zip(ours(x), exported(x), strict=True)]
    found = [np.abs(a - b).ravel() for a, b in pairs]
    some = np.concatenate([values[:: len(values) // SAMPLED + 1] for values in found])
    square = np.resize(inputs[0], (1, 3, network.size, network.size))
    return Checked(
        len(inputs),
        max(float(values.max()) for values in found),
        float(np.mean([values.mean() for values in found])),
        float(np.quantile(some, 0.99)),
        latency(ours, square),
        latency(exported, square),
    )


def examples(network: Network, pictures: str | None) -> Iterator[Float32]:
    """Normalised inputs 1,3,H,W: pictures at their own sizes rounded to 32, or noise."""
    if pictures is None:
        noise = np.random.default_rng(0)
        images = [noise.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((96, 160), (352, 352))]
    else:
        images = [read_image(path) for path in pictures_in(pictures)[:PICTURES]]
    for image in images:
        height, width = (max(32 * round(side / 32), 64) for side in image.shape[:2])
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        yield _normalise(network, np.asarray(resized, dtype=np.uint8))


def latency(run: Run, image: Float32, rounds: int = 5) -> float:
    """Milliseconds per call, the best of several."""
    run(image)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)
