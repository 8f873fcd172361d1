"""Serve a page and an HTTP API on this machine: a picture in, its map or cut-out out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from salient.cli.main import run
from salient.devices import Precision
from salient.serving.networks import Limits, Networks
from salient.weights.find import BOX, DEFAULT

Megabytes = Annotated[float, Field(gt=0, le=1000)]
Megapixels = Annotated[float, Field(gt=0, le=400)]
Port = Annotated[int, Field(ge=0, le=65535)]
Places = Annotated[int, Field(ge=0, le=32)]
Prefix = Annotated[str, Field(pattern=r"^(/[\w.~/-]*)?$")]


def serve(
    host: str,
    port: Port,
    checkpoint: str | None,
    max_megabytes: Megabytes,
    max_megapixels: Megapixels,
    queue: Places,
    page: bool,
    allowed_hosts: list[str],
    root_path: Prefix,
    proxy: str | None,
    device: str,
    precision: Precision,
) -> None:
    """Serve until Ctrl-C.

    Raises:
        ModuleNotFoundError: the extra `serve` is not installed.
        ValueError: the port is in use, or nothing can listen there; and as `Detector.load`.
    """
    from salient.serving.app import Service
    from salient.serving.server import Server, address_of, listening, serve_until_stopped

    with listening(host, port) as listener:
        networks = Networks(choices(checkpoint), device, precision)
        limits = Limits(max_megabytes, max_megapixels, queue)
        names = ("localhost", host)
        service = Service(networks, limits, page, names, tuple(allowed_hosts), root_path)
        print(f"network: {networks.load(networks.default).engine.origin}")
        address = address_of(host, listener)
        what = f"open {address} in a browser" if page else f"POST pictures to {address}/detect/map"
        serve_until_stopped(Server(service, f"{what}; Ctrl-C ends it", proxy), listener)


def choices(checkpoint: str | None) -> dict[str, str]:
    """The networks by their names: the one asked for first, and the bundled ones."""
    box = [DEFAULT, *sorted(path.stem for path in BOX.glob("*.safetensors"))]
    asked = {} if checkpoint in (None, *box) else {Path(str(checkpoint)).stem: str(checkpoint)}
    first = [str(checkpoint)] if checkpoint in box else []
    return asked | {name: name for name in [*first, *box] if name not in asked}


if __name__ == "__main__":
    run("serve")
