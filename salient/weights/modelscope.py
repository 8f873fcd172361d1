"""Read ModelScope's published checkpoint, and the `config.py` in its folder."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from salient.files import check_regular

# Names in ModelScope's checkpoint -> ours. Applied in order, the first that matches.
_NAMES = [
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
_UNUSED = re.compile(r"layer[23]_decoder\.alayers\.\d\.(alayer|arlayer)\.")
MARK = "layer0_1.0.0.weight"  # a file with this name is ModelScope's
DIMENSIONS = {"encoder": "res2net50d", "resize": "pillow"}  # where they differ from the defaults


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ModelScope's state dict with our names, without the unused `alayer` and `arlayer`.

    Other names are kept, so that `check_tensors` can refuse them.
    """
    return {_rename(key): value for key, value in state.items() if not _UNUSED.match(key)}


def _rename(key: str) -> str:
    for pattern, replacement in _NAMES:
        if re.fullmatch(pattern, key):
            key = re.sub(pattern, replacement, key)
            # Their decoder numbers its fusions by the encoder's layer, ours by the stride.
            key = key.replace("fuse3.", "fuse8.").replace("fuse2.", "fuse4.")
            return key.replace("block.0.", "conv.").replace("block.1.", "bn.")
    return key


def read_config(path: Path) -> dict[str, Any]:
    """`mean`, `std` and `size` from the `norm_mean`, `norm_std` and `norm_size` of a `config.py`.

    The file is parsed, not run. The three values must be literals; they may be assigned anywhere.
    Values that are missing are left out. A missing file gives an empty dict.

    Raises:
        ValueError: the file is not Python, or a value is not a literal of the right kind.
    """
    if not path.exists():
        return {}
    check_regular(path, "config")
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
            found["size"] = size[0]
        for name in ("mean", "std"):
            if name in found:
                found[name] = tuple(float(x) for x in found[name])
                if len(found[name]) != 3:
                    raise ValueError(f"norm_{name} needs three numbers")
    except Exception as error:  # whatever a foreign file provokes
        raise ValueError(f"{path}: {error}") from error
    return found
