"""The server under load: slow and idle connections, large uploads, a full queue.

All of it goes to 127.0.0.1, a bounded number of times.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

import pytest

pytest.importorskip("starlette", reason="no test of the server: pip install '.[serve]'")
pytest.importorskip("python_multipart")
httpx = pytest.importorskip("httpx")
from salient.serving import door  # noqa: E402
from salient.serving import server as module  # noqa: E402
from tests.fixtures.servers import DISC, post, running_server  # noqa: E402


def until(test):
    for _ in range(1000):
        if test():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is this machine on Linux")
@pytest.mark.parametrize("half", [b"", b"POST /detect/map HTTP/1.1\r\nHost: local"])
@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
def test_idle_connections_do_not_block_others(server, half, source):
    lines = []
    try:
        for _ in range(210):
            line = socket.create_connection(("127.0.0.1", server.port), 20, (source, 0))
            line.sendall(half)
            lines.append(line)
        assert post(server).status_code == 200
        assert 0 < len(server.connections) <= module.EACH + 1
    finally:
        for line in lines:
            line.close()


def upload_head(size):
    first = f"POST /detect/map HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n"
    return f"{first}Content-Type: image/png\r\n\r\n".encode()


def closed_within(line, seconds):
    line.settimeout(seconds)
    try:
        while line.recv(65536):
            pass
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_half_a_request_is_not_waited_for(networks, monkeypatch):
    monkeypatch.setattr(module, "HEADER_SECONDS", 0.3)
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with running_server(networks, 1, 0.2, 2) as server:
        for half in (b"", b"GET /healthz HTTP/1.1\r\nHost: "):
            with socket.create_connection(("127.0.0.1", server.port), 20) as line:
                line.sendall(half)
                assert closed_within(line, 10)
        with socket.create_connection(("127.0.0.1", server.port), 20) as line:
            line.sendall(whole)
            assert line.recv(65536).startswith(b"HTTP/1.1 200")
            start = time.monotonic()
            for byte in whole[:-2]:  # a second one, a byte at a time
                try:
                    line.sendall(bytes([byte]))
                except OSError:
                    break
                time.sleep(0.05)
            assert closed_within(line, 10) and time.monotonic() - start < 2.4


def test_a_slow_upload_is_answered_408(networks, monkeypatch):
    monkeypatch.setattr(door, "IDLE_SECONDS", 0.3)
    with running_server(networks, 1, 0.2, 2) as server:
        with socket.create_connection(("127.0.0.1", server.port), 20) as line:
            line.sendall(upload_head(1000) + b"ab")
            assert line.recv(65536).startswith(b"HTTP/1.1 408 ")
        until(lambda: not server.service.door.uploads.taken)


def test_uploads_share_the_memory(server):
    """One address has half of it; what it sends beyond that is answered 429."""
    uploads = server.service.door.uploads
    uploads.take("127.0.0.1", uploads.each - 1000)
    answer = post(server, content=bytes(5000))
    assert answer.status_code == 429 and answer.headers["retry-after"] == "5"
    uploads.give("127.0.0.1", uploads.each - 1000)
    assert post(server).status_code == 200
    until(lambda: not uploads.taken)


def test_a_full_queue_is_reported(server, monkeypatch):
    """Every thread works, two wait, and one of the others has the last place."""
    go = threading.Event()
    detect = server.service.networks.detect
    monkeypatch.setattr(server.service.networks, "detect", lambda *a: (go.wait(60), detect(*a))[1])
    places = server.service.line.shares.total
    answers = []
    crowd = [
        threading.Thread(target=lambda: answers.append(post(server))) for _ in range(places - 1)
    ]
    for thread in crowd:
        thread.start()
    until(lambda: sum(server.service.line.counts()) == places - 1)
    greedy = post(server)
    assert greedy.status_code == 429 and greedy.text.startswith("too much at once from your addr")
    server.service.line.shares.take("192.0.2.1")
    busy = post(server)
    assert busy.status_code == 503 and busy.text.startswith("busy: 2 pictures are waiting")
    assert busy.headers["retry-after"] == "5"
    server.service.line.shares.give("192.0.2.1")
    ticket = {"Ticket": "my-ticket"}
    monkeypatch.setattr(server.service.line.shares, "each", places)
    last = threading.Thread(target=lambda: answers.append(post(server, ticket)))
    last.start()
    until(lambda: server.service.line.place("my-ticket"))
    assert httpx.get(f"{server.address}/queue/my-ticket").json() == {"place": 2}
    go.set()
    for thread in (*crowd, last):
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200] * places


def test_a_client_that_hangs_up_leaves_the_queue(server, monkeypatch):
    go = threading.Event()
    detect = server.service.networks.detect
    monkeypatch.setattr(server.service.networks, "detect", lambda *a: (go.wait(60), detect(*a))[1])
    whole = upload_head(len(DISC)) + DISC
    threads = server.service.line.threads
    for round_ in range(4):  # more than there are places
        lines = []
        for _ in range(threads + 1 - (threads if round_ else 0)):
            line = socket.create_connection(("127.0.0.1", server.port), 20)
            line.sendall(whole)
            lines.append(line)
        until(lambda: server.service.line.counts() == (threads, 1))
        for line in lines:
            line.close()
        until(lambda: server.service.line.counts() == (threads, 0))
    go.set()
    assert post(server).status_code == 200
