"""The page in one file that needs no server, with the network and onnxruntime-web inside."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salient.serving.page import build_page, read_part

VERSION = "1.30.0"
ARCHIVE = f"onnxruntime-web-{VERSION}.tgz"  # the name that `npm pack` gives it
SCRIPT, WASM = "ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm"
DIGESTS = {
    SCRIPT: "0730816731ce2cdfb06f273da065d4a1c7091eb9d1756a83b2916c8a89d015e2",
    WASM: "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
HOW = f"npm pack onnxruntime-web@{VERSION} brings it; runtime={ARCHIVE} names it"
RESIZE = "area"  # the filter that pixels.js has
NAMES = ("InferenceSession", "Tensor", "env")  # of onnxruntime-web, that worker.js uses


def build_offline_page(
    onnx: bytes, constants: Mapping[str, Any], name: str, runtime: Mapping[str, bytes]
) -> bytes:
    """The page with a network inside: it opens from the disk and makes no connections.

    Args:
        onnx: an ONNX file that gives probabilities.
        constants: `size`, `resize`, `mean` and `std` of its input.
        name: of the weights, shown on the page.
        runtime: the result of `read_runtime`.

    Raises:
        ValueError: the page does not have the network's filter.
    """
    if constants["resize"] != RESIZE:
        raise ValueError(f"a page resizes by {RESIZE}, the network by {constants['resize']}")
    worker = "\n".join(
        [_as_object(runtime[SCRIPT].decode()), read_part("pixels.js"), read_part("worker.js")]
    )
    data = {
        "worker": _pack(worker.encode()),
        "wasm": _pack(runtime[WASM]),
        "model": _pack(onnx),
    }
    network = {key: constants[key] for key in ("size", "resize", "mean", "std")}
    setup = {"weights": [name], "network": network}
    page = build_page("by_wasm.js", setup, "worker-src blob:", data, "'wasm-unsafe-eval'")
    return page.html.encode()


def read_model(page: bytes) -> bytes:
    """The ONNX file inside a page of `build_offline_page`.

    Raises:
        ValueError: there is none.
    """
    match = re.search(rb'<script type="text/plain" id="model">([^<]+)</script>', page)
    if match is None:
        raise ValueError("no page with a network inside")
    return gzip.decompress(base64.b64decode(match[1]))


def read_runtime(path: str | Path) -> dict[str, bytes]:
    """The two files of onnxruntime-web that a page needs, from npm's archive or a folder.

    Raises:
        FileNotFoundError: there is no such archive or folder, or it lacks a file.
        ValueError: a file is not from version VERSION.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no onnxruntime-web at {path}; {HOW}")
    files = {}
    for name, digest in DIGESTS.items():
        content = _from_folder(path, name) if path.is_dir() else _from_archive(path, name)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"{path}: its {name} is not that of onnxruntime-web {VERSION}; {HOW}")
        files[name] = content
    return files


def _from_folder(folder: Path, name: str) -> bytes:
    for place in (folder, folder / "dist", folder / "package" / "dist"):
        if (place / name).is_file():
            return (place / name).read_bytes()
    raise FileNotFoundError(f"{folder}: no {name}; {HOW}")


def _from_archive(path: Path, name: str) -> bytes:
    try:
        with tarfile.open(path) as archive:
            file = archive.extractfile(f"package/dist/{name}")
            assert file is not None
            return file.read()
    except (tarfile.TarError, KeyError, AssertionError) as error:
        raise ValueError(f"{path}: not npm's archive of onnxruntime-web; {HOW}") from error


def _as_object(module: str) -> str:
    """A module as a script with its exports in the object `ort`.

    A page opened from the disk cannot start a worker that is a module.
    """
    body, exports = re.fullmatch(r"(.*)export\{([^}]*)\};.*", module, re.DOTALL).groups()  # type: ignore[union-attr]
    own = {public: name for name, public in re.findall(r"([^\s,]+) as (\w+)", exports)}
    listed = ", ".join(f"{name}: {own[name]}" for name in NAMES)
    body = body.replace("import.meta.url", "location.href")
    return f"const ort = (() => {{ {body} return {{ {listed} }}; }})();"


def _pack(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
