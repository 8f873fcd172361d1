"""One folder for every hub: weights for PyTorch and onnxruntime, settings, and a model card.

It loads here (`Detector.load(FOLDER)`), in transformers.js, in rembg, and in transformers with
`trust_remote_code=True`, for which the sources of the network go along.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from salient.export.card import write_card
from salient.export.pictures import calibration
from salient.files import write_whole
from salient.model import architecture_of
from salient.model.base import Network
from salient.weights.find import WEIGHTS
from salient.weights.int8 import quantise
from salient.weights.onnx_file import convert_to_half, write_onnx
from salient.weights.store import DESCRIBED, load_network, read_metadata, save_network

REMOTE = "modeling_salient.py"  # what transformers runs
FIRST = "salient.model"  # the module that it imports
BILINEAR = 2  # Pillow's number of the nearest filter that both transformers have
MODEL_TYPE = "isnet"  # the type whose single input and output transformers.js takes as they are


def export_folder(
    checkpoint: str | Path,
    folder: str | Path,
    int8: str | None = None,
    results: str | Path | None = None,
) -> Path:
    """Write a checkpoint as a folder for hubs.

    Args:
        checkpoint: a file or folder as `load_network` takes it.
        folder: where the files go; those of the same names are replaced.
        int8: a folder of pictures to calibrate on; without one there is no model_quantized.onnx.
        results: the `results.json` of `salient eval`, whose figures the card shows.

    Raises:
        ValueError, FileNotFoundError: as `load_network`; `int8` holds no pictures; or `results` is
            no such file.
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    folder, network = Path(folder), load_network(checkpoint).eval()
    images = None if int8 is None else calibration(network, int8)  # before the minute of writing
    metadata: dict[str, Any] = {
        key: value for key, value in read_metadata(checkpoint).items() if key not in DESCRIBED
    }
    card = write_card(Path(checkpoint).stem, network, metadata, results)
    # transformers loads safetensors of the format "pt" and of no other
    marks = {"format": "pt", "library": "salient"}
    save_network(network, folder / WEIGHTS, metadata | marks, half=_fits_half(network))
    onnx = write_onnx(network)
    contents: dict[str, bytes | str] = {"onnx/model.onnx": onnx}
    contents["onnx/model_fp16.onnx"] = convert_to_half(onnx, network)
    if images is not None:
        contents["onnx/model_quantized.onnx"] = quantise(onnx, images, network.float_before)
    contents["config.json"] = _json(describe_config(network))
    contents["preprocessor_config.json"] = _json(describe_input(network))
    contents |= dict(remote_code())
    for name, content in contents.items():
        write_whole(folder / name, content)
    names = [WEIGHTS, *(name for name in contents if name.startswith("onnx/"))]
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    lines = [f"| `{name}` | `{digest}` |" for name, digest in hashes.items()]
    write_whole(folder / "README.md", card.replace("HASHES", "\n".join(lines)))
    return folder


def describe_config(network: Network) -> dict[str, Any]:
    """What `config.json` says: the network for transformers, the type for transformers.js."""
    return {
        "model_type": MODEL_TYPE,
        "architectures": ["SalientModel"],
        "auto_map": {
            "AutoConfig": "modeling_salient.SalientConfig",
            "AutoModelForImageSegmentation": "modeling_salient.SalientModel",
        },
        "architecture": architecture_of(network),
        "network": network.config,
        "dtype": "float32",
        "torch_dtype": "float32",  # the key's name before transformers 5
        "transformers.js_config": {"dtype": "fp32"},
    }


def describe_input(network: Network) -> dict[str, Any]:
    """What `preprocessor_config.json` says: from a picture to the network's input."""
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": network.size, "width": network.size},
        "resample": BILINEAR,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": network.config["mean"],
        "image_std": network.config["std"],
    }


def remote_code() -> Iterator[tuple[str, str]]:
    """The files that transformers runs, name and text: one class, and the network's modules.

    transformers takes modules of one folder, so `salient.model.base` becomes
    `salient_model_base.py`, and every import of it relative.
    """
    yield REMOTE, _relative((files("salient.export") / f"{REMOTE}.txt").read_text("utf-8"))
    waiting, seen = [FIRST], {FIRST}
    while waiting:
        module = waiting.pop()
        text = _source(module)
        yield f"{module.replace('.', '_')}.py", _relative(text)
        found = set(re.findall(r"^\s*from (salient[\w.]*) import", text, re.MULTILINE)) - seen
        waiting += sorted(found)
        seen |= found


def _source(module: str) -> str:
    package, _, name = module.rpartition(".")
    folder = files(module) if name == "model" else files(package)
    return (folder / ("__init__.py" if name == "model" else f"{name}.py")).read_text("utf-8")


def _relative(text: str) -> str:
    def flat(match: re.Match[str]) -> str:
        return f"{match[1]}from .{match[2].replace('.', '_')} import"

    return re.sub(r"^(\s*)from (salient[\w.]*) import", flat, text, flags=re.MULTILINE)


def _fits_half(network: Network) -> bool:
    """Whether all weights are numbers of 16 bits, as those of the bundled weights are."""
    floats = (x for x in network.state_dict().values() if x.is_floating_point())
    return all(torch.equal(x.half().float(), x) for x in floats)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
