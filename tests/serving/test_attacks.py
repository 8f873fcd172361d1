"""The server under attack: foreign pages, nonsense, full disks. All of it goes to 127.0.0.1."""

from __future__ import annotations

import errno
import socket
import tempfile

import numpy as np
import pytest

from tests.fixtures.photos import as_file

pytest.importorskip("starlette", reason="no test of the server: pip install '.[serve]'")
pytest.importorskip("python_multipart")
httpx = pytest.importorskip("httpx")
from tests.fixtures.servers import post, running_server  # noqa: E402


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),  # DNS rebinding: a name of theirs leads to this machine
        ({"Host": "evil.example:7860"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:1"}, 403),  # another program of this machine
        ({"Origin": "null"}, 403),  # a file, or a frame in a sandbox
        ({"Origin": ""}, 403),
        ({"Host": "pictures.example"}, 200),
        ({"Host": "Pictures.Example:80", "Origin": "https://pictures.example"}, 200),
        ({"Origin": "https://pictures.example"}, 200),  # a proxy that changes the Host
        ({"Host": "localhost:7860"}, 200),
        ({"Host": "[::1]:7860", "Origin": "http://[::1]:7860"}, 200),
        ({"Host": "192.0.2.1"}, 200),  # digits are no name that somebody owns
    ],
)
def test_foreign_names_and_foreign_pages_are_refused(server, headers, status):
    answer = post(server, headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers
    page = httpx.get(server.address, headers=headers)
    assert page.status_code == status
    if status == 200:
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_the_own_page_is_answered(server):
    assert post(server, {"Origin": server.address}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/gradio_api/queue/join", "/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/docs"),
        *("/static/..%2f..%2fetc/passwd", "/../etc/passwd", "/detect/..%2f..%2fetc%2fpasswd"),
        *("/made/x/map", "//", "/detect/map/", "/detect", "/queue/../../etc/passwd"),
    ],
)
def test_there_is_nothing_else(server, path):
    with socket.create_connection(("127.0.0.1", server.port), 20) as line:
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ") and b"root:" not in answer


@pytest.mark.parametrize(
    "request_text",
    [
        "nonsense\r\n\r\n",
        "POST /detect/map HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "POST /detect/map HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n" + f"X: {'x' * 600_000}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(server, request_text):
    with socket.create_connection(("127.0.0.1", server.port), 20) as line:
        try:
            line.sendall(request_text.encode())
            answer = line.recv(10)
        except ConnectionError:  # closed while it was being sent
            answer = b""
    assert answer in (b"HTTP/1.1 4", b"")
    assert post(server).status_code == 200


def test_no_upload_is_written_to_the_disk(networks, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", full)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    noise = np.random.default_rng(0).integers(0, 256, (800, 1000, 3), np.uint8)
    with running_server(networks, 4, 1, 2) as server:
        content = as_file(noise)
        assert len(content) > 2**21
        assert post(server, content=content).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (OSError(errno.ENOSPC, "full"), 507, "no space is left on the server's disk"),
        (MemoryError(), 413, "not enough memory for this picture"),
        (
            RuntimeError("secret"),
            500,
            "internal error; see the output of the server",
        ),
    ],
)
def test_what_fails_inside_is_answered_in_a_line(server, monkeypatch, capfd, error, status, line):
    def fail(*_):
        raise error

    monkeypatch.setattr(server.service.networks, "detect", fail)
    answer = post(server)
    assert (answer.status_code, answer.text) == (status, f"{line}\n")
    assert ("RuntimeError: secret" in capfd.readouterr().err) == (status == 500)
