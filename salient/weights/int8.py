"""An ONNX file of a network in 8 bits: onnxruntime's static quantisation.

Weights are int8 with one scale per output channel. Activations are uint8 with one scale per tensor,
from the smallest and largest values on a set of pictures. A network names modules
(`Network.float_before`), and the layers before them stay in float. In `boundary` these are the
layers up to the feature at /4, which cost all of the accuracy and gain little speed (measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from salient.arrays import Float32
from salient.devices import import_onnxruntime

IN_INT8 = ["Conv", "Relu", "Clip"]


def quantise(content: bytes, images: Iterable[Float32], float_before: Sequence[str] = ()) -> bytes:
    """A file of `write_onnx` in 8 bits, with the same inputs and outputs.

    The metadata is the same too, with `computes` added.

    Args:
        content: the file.
        images: to find the ranges of activations: normalised, 1,3,H,W.
        float_before: modules of the network; the layers before them stay in float.

    Raises:
        ModuleNotFoundError: onnx or onnxruntime is not installed.
    """
    import onnx

    import_onnxruntime().set_default_logger_severity(3)  # errors
    from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    with TemporaryDirectory() as folder:
        joined, quantised = Path(folder) / "joined.onnx", Path(folder) / "quantised.onnx"
        _join(content, joined)
        model = onnx.load(joined)
        add_pre_process_metadata(model)  # otherwise onnxruntime warns that nothing was joined
        quantize_static(
            model,
            str(quantised),
            _Reader(images),
            op_types_to_quantize=IN_INT8,
            nodes_to_exclude=_layers_before(model.graph, float_before),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        model = onnx.load(quantised)
    metadata = onnx.load_from_string(content).metadata_props
    values = {entry.key: entry.value for entry in metadata} | {"computes": '"int8"'}
    onnx.helper.set_model_props(model, values)
    return bytes(model.SerializeToString())


def _join(content: bytes, path: Path) -> None:
    """Write an ONNX file in which each convolution is joined with its normalisation."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _layers_before(graph: Any, modules: Sequence[str]) -> list[str]:
    """Names of the layers before some modules."""
    makers = {name: node for node in graph.node for name in node.output}
    weights = tuple(f"network.{module}.weight" for module in modules)
    waiting = [node for node in graph.node if any(name.endswith(weights) for name in node.input)]
    found = {node.name for node in waiting}
    taken = set(found)
    while waiting:
        for name in waiting.pop().input:
            node = makers.get(name)
            if node is not None and node.name not in found:
                found.add(node.name)
                waiting.append(node)
    return sorted(found - taken)


class _Reader:
    """Images in the form that onnxruntime's calibration reads."""

    def __init__(self, images: Iterable[Float32]) -> None:
        self.images = iter(images)

    def get_next(self) -> dict[str, Float32] | None:
        image = next(self.images, None)
        return None if image is None else {"image": image}
