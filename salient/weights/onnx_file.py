"""A network as an ONNX file, for onnxruntime and others.

Input `image`: float32 B,3,H,W, RGB, normalised; any B, and H and W are multiples of 32. Outputs
`saliency`: B,1,H,W, the finest map, and, if the network has an edge, `edge`: B,1,H/4,W/4, the
boundary. The metadata has `architecture`, `mean`, `std` (of RGB in [0, 1]), `size` (the side that
the network detects at), `resize` (the filter), `content` (probability or logit), `config` and
`crc32` (of the weights), each as JSON.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from salient.model import architecture_of
from salient.model.base import Network
from salient.tensors import check_finite
from salient.weights.store import checksum

CONSTANTS = ("mean", "std", "size", "resize")
SMALL = 64  # weights of fewer numbers stay in 32 bits


class Heads(nn.Module):
    """Normalised B,3,H,W -> saliency B,1,H,W and, if there is one, the boundary B,1,H/4,W/4.

    Both are probabilities or logits."""

    def __init__(self, network: Network, probability: bool) -> None:
        super().__init__()
        self.network, self.probability = network, probability

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(image)
        logits = [x for x in (outputs.saliency[0], outputs.edge) if x is not None]
        return tuple(torch.sigmoid(x) if self.probability else x for x in logits)


def outputs_of(network: Network) -> list[str]:
    """The names of the outputs of an exported network."""
    return ["saliency", "edge"] if network.has_edge else ["saliency"]


def export_program(network: Network, probability: bool = True) -> ExportedProgram:
    """The network in eval mode as a program of `torch.export`, for any batch and size.

    Raises:
        ValueError: its encoder takes pictures of one size only, like timm's Swin.
    """
    model = Heads(network.eval(), probability)
    example = torch.zeros(2, 3, 96, 128)
    sides = {2: 32 * Dim("rows", min=2, max=128), 3: 32 * Dim("columns", min=2, max=128)}
    shapes = {"image": {0: Dim("batch", min=1, max=1024), **sides}}
    try:
        with torch.no_grad():
            return torch.export.export(model, (example,), dynamic_shapes=shapes)
    except AssertionError as error:  # timm's, of the height or width
        name = network.config.get("encoder", "network")
        raise ValueError(f"the encoder {name} has a fixed size: {error}") from error


def constants(network: Network, probability: bool = True, half: bool = False) -> dict[str, str]:
    """The metadata of an exported file, each value as JSON.

    `crc32` equals that in the file of `save_network` for the same network and the same `half`.

    Raises:
        ValueError: a weight is not finite, or not in 16 bits.
    """
    state = network.state_dict()
    if half:
        state = {k: x.half() if x.is_floating_point() else x for k, x in state.items()}
    check_finite(state, "the network is not exported")
    values = {key: network.config[key] for key in CONSTANTS}
    values |= {"architecture": architecture_of(network), "config": network.config}
    values |= {"content": "probability" if probability else "logit", "crc32": checksum(state)}
    return {key: json.dumps(value) for key, value in values.items()}


def write_onnx(network: Network, probability: bool = True, half: bool = False) -> bytes:
    """The network as ONNX. `half` stores weights in 16 bits; a runtime still computes in 32 bits.

    Raises:
        ValueError: a weight is not finite, or not in 16 bits.
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    import onnx
    import onnx_ir
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    from onnxscript import optimizer

    metadata = constants(network, probability, half)
    program = torch.onnx.export(
        export_program(network, probability),
        input_names=["image"],
        output_names=outputs_of(network),
        dynamo=True,
        optimize=False,
        verbose=False,
    )
    assert program is not None
    # Constants are folded, and convolutions not yet joined with their normalisation: a runtime does
    # that when it loads the file, and weights of 16 bits stay the network's own.
    optimizer.inline(program.model)
    optimizer.fold_constants(program.model)
    optimizer.remove_unused_nodes(program.model)
    ClearMetadataAndDocStringPass()(program.model)  # where in its source each node was written
    shapes = {"image": (3, "height", "width"), "saliency": (1, "height", "width")}
    shapes["edge"] = (1, "height / 4", "width / 4")
    for value in (*program.model.graph.inputs, *program.model.graph.outputs):
        value.shape = onnx_ir.Shape(["batch", *shapes[value.name]])
    model = program.model_proto
    del model.graph.value_info[:]  # shapes in between, which a runtime infers
    onnx.helper.set_model_props(model, metadata)
    content = bytes(model.SerializeToString())
    return convert_to_half(content, network, probability) if half else content


def convert_to_half(content: bytes, network: Network, probability: bool = True) -> bytes:
    """A file that `write_onnx` made of a network, with its weights stored in 16 bits.

    Raises:
        ValueError: a weight is not finite in 16 bits.
    """
    import onnx

    metadata = constants(network, probability, half=True)
    model = onnx.load_from_string(content)
    store_in_half(model)
    onnx.helper.set_model_props(model, metadata)
    return bytes(model.SerializeToString())


def store_in_half(model: Any) -> None:
    """Store an ONNX model's float32 weights as float16, each with a cast back to float32.

    A runtime folds the casts when it loads the file, so that they cost nothing afterwards.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALL:
            continue
        name, stored = weight.name, f"{weight.name}_half"
        values = numpy_helper.to_array(weight).astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(values, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
