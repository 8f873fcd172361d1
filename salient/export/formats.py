"""The formats of exported networks, by file extension. A new format is an entry in FORMATS.

`salient.weights.onnx_file` describes inputs, outputs and metadata of the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import torch

from salient.detection.load import cache_folder
from salient.devices import import_onnxruntime
from salient.export import runtimes
from salient.export.runtimes import Files, Run
from salient.model.base import Network
from salient.serving.offline import ARCHIVE, build_offline_page, read_model, read_runtime
from salient.weights.onnx_file import constants, export_program, write_onnx

METADATA = "metadata.json"  # in a program of torch.export


class Format(NamedTuple):
    """How to write a network in a format, and how to run the file.

    Attributes:
        runtime: the name of the program that runs it.
        write: makes the content of a file, or of several, from (network, probability or else logit,
            weights in 16 bits); a format may take further keywords.
        runner: opens a file; returns a function from image B,3,H,W to the outputs of `Heads`. None
            where the runtime does not exist for Linux.
        fixed: whether a file takes one picture of the network's size only.
    """

    runtime: str
    write: Callable[..., bytes | Files]
    runner: Callable[[Path], Run] | None
    fixed: bool = False


def run_onnx(path: Path) -> Run:
    """Run an ONNX file with onnxruntime, on the CPU."""
    onnxruntime = import_onnxruntime()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"image": image})


def write_pt2(network: Network, probability: bool = True, half: bool = False) -> bytes:
    """The network as a program of `torch.export`, with its metadata as METADATA."""
    if half:
        raise ValueError("half: torch.export stores 32 bits; use output=model.onnx")
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
        raise ValueError("content: a page needs probabilities")
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
    ".xml": Format("OpenVINO", runtimes.write_openvino, runtimes.run_openvino, True),
    ".mlpackage": Format("Core ML", runtimes.write_coreml, None, True),
    ".param": Format("ncnn", runtimes.write_ncnn, runtimes.run_ncnn, True),
}
