"""Export a network for other runtimes, and check it there.

python -m salient.export checkpoint=FILE output=model.onnx [output_kind=probability|logit]
    [pictures=DIR]
python -m salient.export checkpoint=FILE output=model.pt2      a program of torch.export

Input `image`: float32 B,3,H,W, RGB, normalised; B is free, H and W are any multiples of 32. Output
`saliency`: B,1,H,W, the finest map. An ONNX file's metadata holds `mean`, `std` (of RGB in [0, 1]),
`size` (the side that the network was trained at) and `config`. The result is run beside PyTorch, on
the pictures of a folder or else on noise, at their sizes rounded to 32 and at `size`; the largest
difference and the latency of both at `size` are printed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from salient.config import check_config
from salient.data.images import SUFFIXES, read_image
from salient.model.network import SaliencyNetwork
from salient.weights import load_network

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
PICTURES = 20  # to check with


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


def write_onnx(network: SaliencyNetwork, path: Path, probability: bool = True) -> None:
    """Write the network as ONNX, with its constants as metadata."""
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
    constants = {key: json.dumps(config[key]) for key in ("mean", "std", "size")}
    onnx.helper.set_model_props(model, constants | {"config": json.dumps(config)})
    onnx.save(model, path)


def runner(path: Path) -> Run:
    """What runs an exported file: image B,3,H,W -> saliency B,1,H,W."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return lambda image: np.asarray(session.run(["saliency"], {"image": image})[0])
    module = torch.export.load(path).module()
    return lambda image: np.asarray(module(torch.from_numpy(image)).detach())


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


def export(
    checkpoint: str,
    output: str,
    output_kind: Literal["probability", "logit"] = "probability",
    pictures: str | None = None,
) -> float:
    """Export, check and time; returns the largest difference from PyTorch.

    Raises:
        ValueError: `output` ends in neither .onnx nor .pt2, or the checkpoint is no network.
        FileNotFoundError: no such checkpoint.
        ModuleNotFoundError: onnx, onnxscript or onnxruntime is not installed.
    """
    path, probability = Path(output), output_kind == "probability"
    network = load_network(checkpoint).eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".onnx":
        write_onnx(network, path, probability)
    elif path.suffix == ".pt2":
        torch.export.save(export_program(network, probability), path)
    else:
        raise ValueError(f"output={output}: the name ends in .onnx or .pt2")
    model, exported = Finest(network, probability), runner(path)

    @torch.inference_mode()
    def ours(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(model(torch.from_numpy(image)))

    inputs = list(examples(network, pictures))
    difference = max(float(np.abs(ours(x) - exported(x)).max()) for x in inputs)
    square = np.resize(inputs[0], (1, 3, network.size, network.size))
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
    print(f"largest difference on {len(inputs)} pictures: {difference:.1e}")
    name = "onnxruntime" if path.suffix == ".onnx" else "torch.export"
    for label, run in (("PyTorch", ours), (name, exported)):
        print(f"{label:<14}{latency(run, square):8.1f} ms at {network.size} px, batch 1")
    return difference


def main() -> None:
    """Export as the arguments `key=value` say."""
    try:
        options = dict(argument.split("=", 1) for argument in sys.argv[1:])
        check_config(options, export)
        if not {"checkpoint", "output"} <= options.keys():
            raise ValueError("checkpoint=FILE and output=FILE are needed")
        export(**options)  # type: ignore[arg-type]
    except (ValueError, FileNotFoundError, ModuleNotFoundError) as error:
        sys.exit(f"error: {error}\n{__doc__}")


if __name__ == "__main__":
    main()
