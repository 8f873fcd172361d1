"""Writers and runners for other runtimes; each imports its package when it is called.

Their files take one picture of the network's size, float32 1,3,S,S, normalised as for ONNX. They
contain no metadata: size, mean and deviation are in `salient weights`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from salient.arrays import Float32
from salient.model.base import Network
from salient.weights.onnx_file import Heads, outputs_of

Run = Callable[[Float32], Sequence[Float32]]
Files = Mapping[str, bytes]  # by what their names have after the stem


def example_of(network: Network) -> torch.Tensor:
    """An input of the network's size, zeros 1,3,S,S."""
    return torch.zeros(1, 3, network.size, network.size)


def trace(network: Network, probability: bool, half: bool) -> Any:
    """The network as TorchScript, of its own size."""
    if half:
        raise ValueError("half: for output=model.onnx")
    with torch.inference_mode():
        return torch.jit.trace(Heads(network, probability), example_of(network), check_trace=False)


def program_of(network: Network, probability: bool, half: bool) -> torch.export.ExportedProgram:
    """The network as a program of `torch.export`, of its own size."""
    if half:
        raise ValueError("half: for output=model.onnx")
    with torch.no_grad():
        return torch.export.export(Heads(network, probability).eval(), (example_of(network),))


def files_of(folder: Path, stem: str) -> dict[str, bytes]:
    """The files in a folder by what follows `stem` in their paths."""
    return {
        str(path.relative_to(folder)).removeprefix(stem): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_openvino(network: Network, probability: bool = True, half: bool = False) -> Files:
    """OpenVINO's .xml and .bin; `half` stores 16 bits."""
    import openvino

    model = openvino.convert_model(program_of(network, probability, False))
    with TemporaryDirectory() as folder:
        openvino.save_model(model, Path(folder) / "model.xml", compress_to_fp16=half)
        return files_of(Path(folder), "model")


def run_openvino(path: Path) -> Run:
    """Run OpenVINO's files on the CPU, in 32 bits."""
    import openvino

    core, hint = openvino.Core(), {"INFERENCE_PRECISION_HINT": "f32"}
    model = core.compile_model(core.read_model(path), "CPU", hint)
    return lambda image: [np.array(x) for x in model(image).values()]


def write_coreml(network: Network, probability: bool = True, half: bool = False) -> Files:
    """Core ML's .mlpackage, which is a folder; `half` computes in 16 bits."""
    import coremltools

    traced = trace(network, probability, False)
    precision = coremltools.precision.FLOAT16 if half else coremltools.precision.FLOAT32
    model = coremltools.convert(
        traced,
        inputs=[coremltools.TensorType("image", example_of(network).shape)],
        outputs=[coremltools.TensorType(name) for name in outputs_of(network)],
        compute_precision=precision,
        minimum_deployment_target=coremltools.target.iOS16,
    )
    with TemporaryDirectory() as folder:
        model.save(f"{folder}/model.mlpackage")
        return files_of(Path(folder), "model")


def write_ncnn(network: Network, probability: bool = True, half: bool = False) -> Files:
    """Ncnn's .param and .bin, by pnnx; `half` stores 16 bits."""
    import pnnx

    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.pt"
        trace(network, probability, False).save(file)
        pnnx.convert(str(file), (example_of(network),), fp16=half)
        return {end: file.with_suffix(f".ncnn{end}").read_bytes() for end in (".param", ".bin")}


def run_ncnn(path: Path) -> Run:
    """Run ncnn's files on the CPU, in 32 bits."""
    import ncnn

    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.load_param(str(path))
    net.load_model(str(path.with_suffix(".bin")))
    names = sorted(net.output_names())  # out0, out1

    def run(image: Float32) -> Sequence[Float32]:
        with net.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(image[0]))
            return [np.array(extractor.extract(name)[1])[None] for name in names]

    return run
