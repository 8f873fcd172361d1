"""Show a page on this machine: a picture in, its map, cut-out, overlay and edges side by side.

  salient serve                                       http://127.0.0.1:7860, until Ctrl-C
  curl -F picture=@photo.jpg http://127.0.0.1:7860/detect/map > map.png

/detect/MODE takes map, cutout, overlay, mask, edges, and -F weights= background= threshold=
feather= min_area= crop=. It answers with a PNG, or with a status and a line of text. Needs the
extra demo.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from pydantic import Field

from salient.cli.main import run
from salient.config import AnyPath
from salient.devices import Precision
from salient.serving.app import build_app
from salient.serving.studio import Studio
from salient.weights.find import BOX, DEFAULT

Megabytes = Annotated[float, Field(gt=0, le=1000)]
Megapixels = Annotated[float, Field(gt=0, le=400)]
Port = Annotated[int, Field(ge=0, le=65535)]
Places = Annotated[int, Field(ge=0, le=32)]


def serve(
    host: str = "127.0.0.1",
    port: Port = 7860,
    checkpoint: AnyPath | None = None,
    max_megabytes: Megabytes = 20,
    max_megapixels: Megapixels = 25,
    queue: Places = 8,
    device: str = "auto",
    precision: Precision = "auto",
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        host: whom it listens to: this machine; 0.0.0.0 is everyone who reaches it, without a
            password.
        port: or 0, any that is free.
        checkpoint: next to best and fast a third choice, which comes first: a file, or last.
        max_megabytes: the largest request, so the largest file (megabytes of 2^20 bytes).
        max_megapixels: the largest picture.
        queue: pictures that wait while one is worked on; further ones are refused for now.
        device: the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: bf16 where the processor computes with it; or fp32, bf16, fp16.

    Raises:
        ModuleNotFoundError: Gradio is not installed.
        ValueError: the port is in use, or nothing can listen there; and as `Detector.load`.
    """
    import gradio  # noqa: F401 - told before anything is made
    import uvicorn

    studio = Studio(choices(checkpoint), max_megapixels, queue, device, precision)
    with listening(host, port) as listener, uploads_folder() as uploads:
        app = build_app(studio, uploads, max_megabytes)
        address = f"{host}:{listener.getsockname()[1]}"
        print(f"network: {studio.detector(next(iter(studio.checkpoints))).engine.origin}")
        config = uvicorn.Config(
            app, log_level="warning", timeout_graceful_shutdown=1, limit_concurrency=200
        )
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            _server(config, f"open http://{address} in a browser; Ctrl-C ends it").run([listener])
        except KeyboardInterrupt:
            print("\nended; nothing was kept")
        finally:
            signal.signal(signal.SIGTERM, before)


def choices(checkpoint: str | None) -> dict[str, str]:
    """The networks of the page by their names: the one asked for first, and those in the box."""
    box = [DEFAULT, *sorted(path.stem for path in BOX.glob("*.safetensors"))]
    asked = {} if checkpoint in (None, *box) else {Path(str(checkpoint)).stem: str(checkpoint)}
    first = [str(checkpoint)] if checkpoint in box else []
    return asked | {name: name for name in [*first, *box] if name not in asked}


def _server(config: Any, line: str) -> Any:
    """A server that prints a line once it answers, when Ctrl-C is its own affair."""
    import uvicorn

    class Server(uvicorn.Server):  # type: ignore[misc]
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(line, flush=True)

    return Server(config)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there.

    Raises:
        ValueError: the port is in use, or there is no such place.
    """
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            line = f"port={port} is in use; give another, or port=0 for any that is free"
            raise ValueError(line) from error
        raise ValueError(f"host={host} port={port}: {error.strerror}; give another") from error
    with listener:
        yield listener


@contextmanager
def uploads_folder() -> Iterator[Path]:
    """A folder for Gradio, which asks nobody and tells nobody anything; gone afterwards."""
    with TemporaryDirectory(prefix="salient-") as folder:
        ours = {"GRADIO_TEMP_DIR": folder, "GRADIO_ANALYTICS_ENABLED": "False"}
        before = dict(os.environ)
        os.environ.update(ours)
        try:
            yield Path(folder)
        finally:
            os.environ.clear()
            os.environ.update(before)


if __name__ == "__main__":
    run("serve")
