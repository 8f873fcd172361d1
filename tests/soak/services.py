"""The server under attack, signals while something works, and engines made again and again."""

from __future__ import annotations

import os
import random
import signal
import socket
import tempfile
import time
from pathlib import Path

from salient.detection.detector import Detector
from salient.serving.networks import Networks
from tests.fixtures.photos import as_file, draw_disc
from tests.fixtures.servers import running_server
from tests.soak.kills import start
from tests.soak.outcomes import Outcome, Tally
from tests.soak.places import used

HOST = b"Host: localhost\r\n"
FORM = "Content-Type: multipart/form-data"
PATIENCE = 60  # seconds until a server that says nothing hangs
END_SECONDS = 20  # from a signal to the end of a process, on a busy machine
RECREATED = 200


def requests(dice: random.Random) -> list[tuple[str, bytes]]:
    """Requests that are no good, each with its name."""
    picture = as_file(draw_disc())

    def post(path: str, content: bytes, *heads: str, length: int | None = None) -> bytes:
        size = len(content) if length is None else length
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {size}"]
        return "\r\n".join([*lines, *heads, "Connection: close", "", ""]).encode() + content

    found = [
        ("a foreign host", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        ("two hosts", b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n"),
        ("no host", b"GET / HTTP/1.1\r\n\r\n"),
        ("a foreign page", post("/detect/map", picture, "Origin: http://evil.example")),
        ("a traversal", b"GET /..%2f..%2fetc/passwd HTTP/1.1\r\n" + HOST + b"\r\n"),
        ("another traversal", b"GET /detect/../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n"),
        ("no such mode", post("/detect/nosuch", picture)),
        ("no such weights", post("/detect/map?weights=/etc/passwd", picture)),
        ("weights twice", post("/detect/map?weights=fast&weights=fast", picture)),
        ("a number that is none", post("/detect/cutout?threshold=nan", picture)),
        ("a file as background", post("/detect/cutout?background=/etc/passwd", picture)),
        ("an unknown setting", post("/detect/map?nosuch=1", picture)),
        ("no picture", post("/detect/map", b"")),
        ("a text", post("/detect/map", b"hello" * 99)),
        ("half a picture", post("/detect/map", picture[: len(picture) // 2])),
        ("a length below zero", post("/detect/map", picture, length=-1)),
        ("a length above all limits", post("/detect/map", picture, length=10**12)),
        ("a form without its end", post("/detect/map", b"--x\r\n", f"{FORM}; boundary=x")),
        ("no boundary", post("/detect/map", b"--x", FORM)),
        ("an encoding", post("/detect/map", picture, "Transfer-Encoding: x")),
        ("a long head", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 600_000 + b"\r\n\r\n"),
        ("gradio's queue", post("/gradio_api/queue/join", b'{"fn_index": -1}')),
    ]  # fmt: skip
    noise = [
        (f"noise {k}", dice.randbytes(dice.randrange(1, 3000)) + b"\r\n\r\n") for k in range(40)
    ]
    return found + noise


def try_server(tally: Tally, dice: random.Random) -> None:
    """Each request is answered 4xx, or the connection is closed; afterwards it serves as before."""
    with running_server(Networks({"fast": "fast"}, "cpu", "fp32"), 1, 0.2, 2) as server:
        for name, content in requests(dice):
            tally.add("server", name, answer(server.port, content))
        good = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        said = answer(server.port, good).said
        kind = "runs" if said.startswith("HTTP/1.1 200") else "lost"
        tally.add("server", "serves afterwards", Outcome(kind, said), may_run=True)


def answer(port: int, content: bytes) -> Outcome:
    """What becomes of a request: 4xx is clear, 5xx a fault, 2xx runs, silence hangs."""
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as line:
            line.sendall(content)
            line.shutdown(socket.SHUT_WR)
            while part := line.recv(65536):
                said += part
    except ConnectionError:
        pass
    except TimeoutError:
        return Outcome("hang", "no answer")
    status = said[9:10].decode("latin-1")
    kind = {"4": "clear", "5": "traceback", "2": "runs"}.get(status, "clear")
    return Outcome(kind, said[:90].decode("latin-1"))


def try_signals(folder: Path, tally: Tally) -> None:
    """SIGTERM and SIGINT while a verb works: it ends soon, and what it leaves is whole."""
    temporary = folder / "tmp"
    temporary.mkdir()
    for sign in (signal.SIGTERM, signal.SIGINT):
        for verb in ("predict", "eval", "serve"):
            commands = {
                "predict": ["predict", "busy", f"output=sign{sign}", "checkpoint=fast"],
                "eval": ["eval", "dataset=folder", "images=busy", "masks=busy", f"output=e{sign}"],
                "serve": ["serve", "port=0", "page=false"],
            }
            child = start(folder, temporary, commands[verb])
            time.sleep(4)
            os.kill(child, sign)
            tally.add("signals", f"{sign.name} to {verb}", ended_soon(child), may_run=True)
            left = [str(path) for path in temporary.iterdir()]
            if left:
                tally.add("signals", f"{sign.name} to {verb}", Outcome("lost", f"left: {left}"))


def ended_soon(child: int) -> Outcome:
    """Whether a process ends within END_SECONDS; it is killed if not."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return Outcome("runs", "")
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Outcome("hang", f"still there after {END_SECONDS} s")


def try_recreation(folder: Path, tally: Tally, count: int = RECREATED) -> None:
    """Engines by PyTorch and by onnxruntime, made and dropped: memory does not grow."""
    files = {"torch": str(folder / "good.safetensors"), "onnx": "fast"}
    for name, file in files.items():
        before = 0
        for k in range(count):
            Detector.load(file, "cpu", engine=name)(draw_disc(48, 64))  # type: ignore[arg-type]
            before = before or (used() if k == count // 10 else 0)
        grown = used() - before
        said = f"{name} made {count} times: memory grew by {grown} MiB"
        print(said)
        kind = "runs" if grown < 100 else "lost"
        tally.add("engines made again", said, Outcome(kind, said), may_run=True)


def fill(folder: Path, count: int = 200) -> None:
    """`folder/busy`, with pictures enough to be at work for a while."""
    (folder / "busy").mkdir()
    content = as_file(draw_disc(600, 800))
    for k in range(count):
        (folder / f"busy/{k:03d}.png").write_bytes(content)


def temporary_folder() -> Path:
    """A new folder."""
    return Path(tempfile.mkdtemp(prefix="soak-"))
