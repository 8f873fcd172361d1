"""Find a model by its path, or download it by its id on a hub."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

HUBS = ("modelscope", "huggingface_hub")  # packages, asked in turn; both have `snapshot_download`
FILES = ["*.safetensors", "pytorch_model.bin", "config.py", "onnx/model.onnx"]
BY_HAND = "download pytorch_model.bin and config.py from its page (Files) into a folder, and give"
ENDINGS = (".safetensors", ".bin", ".ckpt", ".pth", ".pt", ".onnx")  # of files


def is_id(name: str | Path) -> bool:
    """Whether a name that is not a path looks like a model's id: `owner/name`."""
    path = Path(name)
    reads = re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", str(name))
    return bool(reads) and not path.parent.exists() and path.suffix not in ENDINGS


def find_model(model: str | Path, revision: str | None = None) -> Path:
    """The file or folder of `model`, for `load_network`; a model with an id is downloaded first.

    An id is `owner/name`, such as `damo/cv_res2net_salient-detection`. The package `modelscope`, or
    else `huggingface_hub`, downloads it into its own cache.

    Args:
        model: a path, or an id.
        revision: of an id; by default the newest.

    Raises:
        ValueError: `model` is a web address.
        FileNotFoundError: there is no such path and no such id; says how to get the file.
    """
    path, name = Path(model), str(model)
    if path.exists():
        return path
    if "://" in name:
        raise ValueError(f"model={name}: addresses are not opened; {BY_HAND} model=FOLDER")
    if not is_id(name):
        raise FileNotFoundError(f"model={name}: no such file or folder")
    return fetch_model(name, revision)


def fetch_model(name: str, revision: str | None = None, key: str = "model") -> Path:
    """Download a model by its id, by the package `modelscope` or else `huggingface_hub`, into that
    package's own cache.

    Args:
        name: the id.
        revision: the hub's newest if None.
        key: what errors call it.

    Raises:
        FileNotFoundError: it cannot be fetched, or holds no model; says how to get the file.
    """
    problems = []
    for package in filter(find_spec, HUBS):
        options = {"allow_patterns": FILES} if package == "huggingface_hub" else {}
        try:
            fetch = import_module(package).snapshot_download
            return _only_model(Path(fetch(name, revision=revision, **options)))
        except Exception as error:  # each package has its own, and so have their networks
            problems.append(f"{package}: {' '.join(str(error).split())[:200]}")
    reason = "; ".join(problems) or f"it needs pip install {HUBS[0]}"
    raise FileNotFoundError(
        f"{key}={name}: no such file, and no model that can be downloaded ({reason}); "
        f"{BY_HAND} {key}=FOLDER"
    )


def _only_model(folder: Path) -> Path:
    """The folder itself if its weights have a known name, or else its only safetensors file."""
    if any((folder / name).is_file() for name in ("model.safetensors", "pytorch_model.bin")):
        return folder
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise FileNotFoundError(f"{folder}: neither pytorch_model.bin nor one safetensors file")
    return files[0]
