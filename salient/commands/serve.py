"""Serve a web page and an HTTP API on this machine: a picture in, its map or cut-out out.

  salient serve                                       http://127.0.0.1:7860, until Ctrl-C
  curl -F picture=@photo.jpg http://127.0.0.1:7860/detect/map > map.png

/detect/MODE takes map, cutout, overlay, mask, edges, and -F weights= background= threshold=
feather= min_area= crop=. It answers with a PNG, or with a status and a line of text.
/openapi.json describes it. Needs the extra serve.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from salient.cli.main import run
from salient.config import AnyPath
from salient.detection.providers import Providers
from salient.devices import Precision
from salient.serving.networks import Limits, Networks
from salient.weights.find import BOX, DEFAULT

Megabytes = Annotated[float, Field(gt=0, le=1000)]
Megapixels = Annotated[float, Field(gt=0, le=400)]
Port = Annotated[int, Field(ge=0, le=65535)]
Places = Annotated[int, Field(ge=0, le=32)]
Prefix = Annotated[str, Field(pattern=r"^(/[\w.~/-]*)?$")]


def serve(
    host: str = "127.0.0.1",
    port: Port = 7860,
    checkpoint: AnyPath | None = None,
    max_megabytes: Megabytes = 20,
    max_megapixels: Megapixels = 25,
    queue: Places = 8,
    page: bool = True,
    allowed_hosts: list[str] | None = None,
    root_path: Prefix = "",
    proxy: str | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    providers: Providers | None = None,
) -> None:
    """Serve until Ctrl-C.

    Args:
        host: the address to listen on, by default only this machine; with 0.0.0.0, everyone who
            reaches it can use it, without a password.
        port: the port to listen on; 0 chooses a free one.
        checkpoint: your own network, in addition to best and fast: a file, or last.
        max_megabytes: the largest request, and so the largest file, in megabytes (2^20 bytes).
        max_megapixels: the largest picture, in megapixels.
        queue: how many pictures may wait while others are processed, one per core; further ones
            are answered with 503.
        page: false serves the API without the page.
        allowed_hosts: further names of this server, such as [pictures.example.org].
        root_path: the path under which a proxy shows the page, such as /salient.
        proxy: the address of a trusted proxy that sets X-Forwarded-For.
        device: auto is the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: with PyTorch, auto is bf16 where supported; or fp32, bf16, fp16.
        providers: of onnxruntime, such as cuda, [tensorrt,cuda] or {openvino: {device_type: GPU}};
            also coreml, directml.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed.
        ValueError: the port is in use, or the address cannot be used; and as `Detector.load`.
    """
    from salient.serving.app import Service
    from salient.serving.server import Server, address_of, listening, serve_until_stopped

    with listening(host, port) as listener:
        networks = Networks(choices(checkpoint), device, precision, providers)
        limits = Limits(max_megabytes, max_megapixels, queue)
        names = ("localhost", host)
        service = Service(networks, limits, page, names, tuple(allowed_hosts or ()), root_path)
        print(f"network: {networks.load(networks.default).engine.origin}")
        address = address_of(host, listener)
        what = f"open {address} in a browser" if page else f"POST pictures to {address}/detect/map"
        serve_until_stopped(Server(service, f"{what}; Ctrl-C ends it", proxy), listener)


def choices(checkpoint: str | None) -> dict[str, str]:
    """The checkpoints by name: the one asked for first, then the bundled ones."""
    box = [DEFAULT, *sorted(path.stem for path in BOX.glob("*.safetensors"))]
    asked = {} if checkpoint in (None, *box) else {Path(str(checkpoint)).stem: str(checkpoint)}
    first = [str(checkpoint)] if checkpoint in box else []
    return asked | {name: name for name in [*first, *box] if name not in asked}


if __name__ == "__main__":
    run("serve")
