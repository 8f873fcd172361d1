"""Networks to and from files: our own, and ModelScope's published checkpoint.

python -m salient.weights describe FILE           what it is, its config, hash and scores
python -m salient.weights convert FILE B.safetensors
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from salient.model.encoder import Encoder
from salient.model.network import SaliencyNetwork
from salient.model.tensors import check_tensors, read_tensors

# Names in ModelScope's checkpoint -> ours. Applied in order, the first that matches.
_MODELSCOPE_NAMES = [
    (r"layer0_1\.0\.(.+)", r"encoder.body.conv1.\1"),
    (r"layer0_1\.1\.(.+)", r"encoder.body.bn1.\1"),
    (r"(layer[1-4]\..+)", r"encoder.body.\1"),
    (r"aspp(\d)\.conv1\.(.+)", r"context\1.aspp.point.\2"),
    (r"aspp(\d)\.conv2\.(.+)", r"context\1.aspp.dilated.0.\2"),
    (r"aspp(\d)\.conv3\.(.+)", r"context\1.aspp.dilated.1.\2"),
    (r"aspp(\d)\.conv4\.(.+)", r"context\1.aspp.dilated.2.\2"),
    (r"aspp(\d)\.conv5\.(.+)", r"context\1.aspp.pooled.\2"),
    (r"aspp(\d)\.fuse\.(.+)", r"context\1.aspp.fuse.\2"),
    (r"cbblock(\d)\.calayer\.fc\.(.+)", r"context\1.cbam.mlp.\2"),
    (r"cbblock(\d)\.saLayer\.conv1\.(.+)", r"context\1.cbam.spatial.\2"),
    (r"conv_up\.(.+)", r"deep.\1"),
    (r"aux_(edge|area)\.lbody\.(.+)", r"\1.fine.block.\2"),
    (r"aux_(edge|area)\.hbody\.(.+)", r"\1.deep.block.\2"),
    (r"aux_(edge|area)\.bodye?\.([01]\..+)", r"\1.body.0.block.\2"),
    (r"aux_(edge|area)\.bodye?\.3\.(.+)", r"\1.body.1.block.0.\2"),
    (r"aux_(edge|area)\.bodye?\.4\.(.+)", r"\1.body.1.block.1.\2"),
    (r"aux_(edge|area)\.bodye?\.6\.(.+)", r"\1.body.2.\2"),
    (r"layer(\d)_enhance\.emlayes\.(\d)\.elayer\.(.+)", r"enhance\1.enhance.\2.body.\3"),
    (r"layer(\d)_enhance\.emlayes\.(\d)\.salayer\.(.+)", r"enhance\1.enhance.\2.gate.\3"),
    (r"layer(\d)_enhance\.body\.(.+)", r"enhance\1.join.\2"),
    (r"layer([23])_decoder\.conv_up\.(.+)", r"fuse\1.reduce.\2"),
    (r"layer([23])_decoder\.alayers\.(\d)\.fusion\.(.+)", r"fuse\1.attend.\2.\3"),
    (r"layer([23])_decoder\.fusion_0\.(.+)", r"fuse\1.square.\2"),
    (r"layer([23])_decoder\.fusion_e\.([01]\..+)", r"fuse\1.cross3.0.block.\2"),
    (r"layer([23])_decoder\.fusion_e\.3\.(.+)", r"fuse\1.cross3.1.block.0.\2"),
    (r"layer([23])_decoder\.fusion_e\.4\.(.+)", r"fuse\1.cross3.1.block.1.\2"),
    (r"layer([23])_decoder\.fusion_e1\.([01]\..+)", r"fuse\1.cross5.0.block.\2"),
    (r"layer([23])_decoder\.fusion_e1\.3\.(.+)", r"fuse\1.cross5.1.block.0.\2"),
    (r"layer([23])_decoder\.fusion_e1\.4\.(.+)", r"fuse\1.cross5.1.block.1.\2"),
    (r"layer([23])_decoder\.fusion\.(.+)", r"fuse\1.join.\2"),
    (r"out_conv_([48])\.(.+)", r"out\1.\2"),
]
# In the published file, but never used by its network.
_MODELSCOPE_UNUSED = re.compile(r"layer[23]_decoder\.alayers\.\d\.(alayer|arlayer)\.")
_MODELSCOPE_MARK = "layer0_1.0.0.weight"


def save_network(
    network: SaliencyNetwork, path: str | Path, metadata: Mapping[str, Any] | None = None
) -> Path:
    """Write weights, the network's config, package versions and `metadata` as safetensors.

    The file is written beside its name and then moved, so that it is whole or absent.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": "salient", "network": network.config, "versions": package_versions()}
    content |= dict(metadata or {})
    strings = {k: v if isinstance(v, str) else json.dumps(v) for k, v in content.items()}
    state = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save_file(state, partial, strings)
    partial.replace(path)
    return path


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    names = ("torch", "torchvision", "timm", "pytorch-lightning", "albumentations", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def load_network(path: str | Path, device: str | torch.device = "cpu") -> SaliencyNetwork:
    """A network in eval mode from a file of any kind that holds one, told apart by content.

    Our own safetensors; `last.ckpt` of a run (its averaged weights); ModelScope's
    `pytorch_model.bin`, or the folder of its model, whose `config.py` gives mean, deviation and
    size. Nothing in a file is executed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another kind of file, or one whose tensors do not fit; names the first.
    """
    path = Path(path)
    options: dict[str, Any] = {}
    if path.is_dir():
        options = read_modelscope_config(path / "config.py")
        path = path / "pytorch_model.bin"
    state, metadata = read_tensors(path)
    if _MODELSCOPE_MARK in state:
        network = SaliencyNetwork(Encoder("res2net50d", "none"), **options)
        state = convert_modelscope(state)
    elif metadata.get("format") == "salient":
        config = json.loads(metadata["network"])
        network = SaliencyNetwork(Encoder(config.pop("encoder"), "none"), **config)
        state = {key.removeprefix("network."): value for key, value in state.items()}
    else:
        raise ValueError(
            f"{path}: neither a checkpoint of this project nor ModelScope's "
            f"({_MODELSCOPE_MARK} is missing); its first key is {next(iter(state))}"
        )
    check_tensors(state, network.state_dict(), str(path))
    network.load_state_dict(state)
    return network.eval().to(device)


def read_modelscope_config(path: Path) -> dict[str, Any]:
    """`mean`, `std` and `size` from the `norm_mean`, `norm_std` and `norm_size` of a `config.py`.

    The file is parsed and not run; the three must be literals, wherever they are assigned. What it
    does not assign is left out, and so is all of it if the file is missing.

    Raises:
        ValueError: the file is no Python, or a value is no literal of the right kind.
    """
    if not path.is_file():
        return {}
    names = {"norm_mean": "mean", "norm_std": "std", "norm_size": "size"}
    found: dict[str, Any] = {}
    try:
        for node in ast.walk(ast.parse(path.read_text())):
            pairs: list[tuple[Any, ast.expr]] = []
            if isinstance(node, ast.Assign):
                pairs = [(getattr(target, "id", None), node.value) for target in node.targets]
            elif isinstance(node, ast.keyword):
                pairs = [(node.arg, node.value)]
            elif isinstance(node, ast.Dict):
                pairs = [(getattr(k, "value", None), v) for k, v in zip(node.keys, node.values)]
            found |= {names[n]: ast.literal_eval(value) for n, value in pairs if n in names}
        size = found.get("size")
        if isinstance(size, list | tuple):
            if len(set(size)) != 1:
                raise ValueError(f"norm_size is {size}; the network takes squares")
            found["size"] = int(size[0])
        for name in ("mean", "std"):
            if name in found:
                found[name] = tuple(float(x) for x in found[name])
                if len(found[name]) != 3:
                    raise ValueError(f"norm_{name} needs three numbers")
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return found


def read_metadata(path: str | Path) -> dict[str, str]:
    """The strings that `save_network` stored beside the weights; empty for other files."""
    return read_tensors(path)[1]


def convert_modelscope(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ModelScope's state dict under our names, without its never used `alayer` and `arlayer`.

    Names that are not ModelScope's are kept, for `check_tensors` to refuse.
    """
    return {
        _rename(key): value for key, value in state.items() if not _MODELSCOPE_UNUSED.match(key)
    }


def _rename(key: str) -> str:
    for pattern, replacement in _MODELSCOPE_NAMES:
        if re.fullmatch(pattern, key):
            key = re.sub(pattern, replacement, key)
            # Their decoder numbers its fusions by the encoder's layer, ours by the stride.
            key = key.replace("fuse3.", "fuse8.").replace("fuse2.", "fuse4.")
            return key.replace("block.0.", "conv.").replace("block.1.", "bn.")
    return key


def find_checkpoint(path: str | Path | None = None, folder: str | Path = "checkpoints") -> Path:
    """`path` itself, or else the newest safetensors file that `train.py` published in `folder`.

    Raises:
        FileNotFoundError: there is none; says how to make one.
    """
    if path is not None:
        if not Path(path).exists():
            raise FileNotFoundError(f"checkpoint={path}: no such file or folder")
        return Path(path)
    published = sorted(Path(folder).glob("*.safetensors"), key=lambda p: p.stat().st_mtime)
    if not published:
        raise FileNotFoundError(
            f"no weights in {folder}/: train first (python train.py) or name a file, your own or "
            "ModelScope's pytorch_model.bin, with checkpoint=FILE"
        )
    return published[-1]


def describe(path: str | Path) -> str:
    """What a checkpoint is: its kind, hash, size, and what its metadata tells, a line each."""
    file = Path(path) / "pytorch_model.bin" if Path(path).is_dir() else Path(path)
    network = load_network(path)
    metadata = read_metadata(file)
    kind = "ModelScope's" if not metadata else "this project's"
    weights = sum(parameter.numel() for parameter in network.parameters())
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    lines = [f"{file}: a checkpoint of {kind}", f"sha256: {digest}"]
    lines += [f"weights: {weights / 1e6:.2f} M", f"network: {json.dumps(network.config)}"]
    known = ("format", "network")
    return "\n".join(lines + [f"{k}: {v}" for k, v in metadata.items() if k not in known])


def main() -> None:
    """Describe a checkpoint, or convert it to this project's format."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("describe").add_argument("file")
    convert = commands.add_parser("convert")
    convert.add_argument("file")
    convert.add_argument("target")
    given = parser.parse_args()
    try:
        if given.command == "describe":
            print(describe(given.file))
        else:
            network = load_network(given.file)
            source = {"source": str(Path(given.file).name)}
            print(f"wrote {save_network(network, given.target, source)}")
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
