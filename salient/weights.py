"""Networks to and from files: our own safetensors, and ModelScope's published checkpoint."""

from __future__ import annotations

import json
import os
import platform
import re
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
    """A network in eval mode from our own file or ModelScope's `pytorch_model.bin`.

    The two are told apart by content. Nothing in the file is executed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another kind of file, or one whose tensors do not fit; names the first.
    """
    state, metadata = read_tensors(path)
    if _MODELSCOPE_MARK in state:
        network = SaliencyNetwork(Encoder("res2net50d", "none"))
        state = convert_modelscope(state)
    elif metadata.get("format") == "salient":
        config = json.loads(metadata["network"])
        network = SaliencyNetwork(Encoder(config.pop("encoder"), "none"), **config)
    else:
        raise ValueError(
            f"{path}: neither a checkpoint of this project nor ModelScope's "
            f"({_MODELSCOPE_MARK} is missing); its first key is {next(iter(state))}"
        )
    check_tensors(state, network.state_dict(), str(path))
    network.load_state_dict(state)
    return network.eval().to(device)


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
        if not Path(path).is_file():
            raise FileNotFoundError(f"checkpoint={path}: no such file")
        return Path(path)
    published = sorted(Path(folder).glob("*.safetensors"), key=lambda p: p.stat().st_mtime)
    if not published:
        raise FileNotFoundError(
            f"no weights in {folder}/: train first (python train.py) or name a file, your own or "
            "ModelScope's pytorch_model.bin, with checkpoint=FILE"
        )
    return published[-1]
