"""The door alone: closed routes, long requests, named files. No Gradio is needed."""

from __future__ import annotations

import asyncio
import json

import pytest

from salient.serving.guard import JOIN, MEBI, Guard


def ask(path, body=b"", kind="http", chunks=1):
    """(status, text, what reached the application) of a request."""
    reached, sent = [], []

    async def app(scope, receive, send):
        message = await receive()
        reached.append((scope["path"], message["body"], scope["query_string"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})

    parts = [body[k::chunks] for k in range(chunks)]
    messages = [
        {"type": "http.request", "body": part, "more_body": k < chunks - 1}
        for k, part in enumerate(parts)
    ]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "query_string": b"deep_link=x"}
    asyncio.run(Guard(app, "/tmp/uploads", 1)(scope, receive, send))
    headers = dict(sent[0]["headers"])
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    return sent[0]["status"], sent[1]["body"].decode(), reached


@pytest.mark.parametrize(
    "path",
    [
        *("/gradio_api/file=/etc/passwd", "/gradio_api/file/etc/passwd", "/file=/etc/passwd"),
        *("/gradio_api/proxy=https://example.org", "/gradio_api/run/see", "/gradio_api/call/see"),
        *("/gradio_api/stream/x", "/gradio_api/component_server", "/gradio_api/vibe-edit/"),
        *("/gradio_api/queue/join/", "/monitoring", "/login", "/config", "/gradio_api/info"),
        *("/docs", "/openapi.json", "/detect", "", "/static", "//", "/theme.css\n"),
    ],
)
def test_what_the_page_does_not_need_is_closed(path):
    status, text, reached = ask(path)
    assert (status, text, reached) == (404, "there is nothing here\n", [])


def test_the_rest_is_open_and_no_socket_is():
    for path in ("/", "/static/a.js", "/gradio_api/upload", "/detect/map", "/made/token/map"):
        assert ask(path)[0] == 200
    assert ask("/", kind="websocket")[0] == 404
    assert ask("/")[2] == [("/", b"", b"")]  # no stored state can be named
    assert ask("/detect/map")[2][0][2] == b"deep_link=x"


@pytest.mark.parametrize("chunks", [1, 7])
def test_a_long_request_is_refused(chunks):
    assert ask("/detect/map", bytes(MEBI), chunks=chunks)[0] == 200
    status, text, reached = ask("/detect/map", bytes(MEBI + 1), chunks=chunks)
    assert status == 413 and text.startswith("above max_megabytes=1; make the picture's file smal")
    assert reached == []


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "/tmp/uploads", "/tmp/uploads/../a", "/tmp/uploads2/a", "uploads/a"),
        *("https://example.org/a.png", "", "\0", 7, ["/etc/passwd"], {"path": None}),
    ],
)
def test_only_uploads_can_be_named(path):
    for data in ([{"path": path}], [1, {"x": [{"y": {"path": path, "meta": {}}}]}]):
        status, text, reached = ask(JOIN, json.dumps({"data": data}).encode())
        assert (status, text, reached) == (403, "only an uploaded file can be named\n", [])


def test_what_was_checked_is_what_goes_in():
    twice = b'{"data": [{"path": "/etc/passwd", "path": "/tmp/uploads/x/a.png"}], "n": 1}'
    status, _, reached = ask(JOIN, twice)
    assert status == 200 and b"passwd" not in reached[0][1]
    assert json.loads(reached[0][1]) == {"data": [{"path": "/tmp/uploads/x/a.png"}], "n": 1}
    for nonsense in (b"{", b"\xff", b"[" * 100_000):
        assert ask(JOIN, nonsense)[0] == 400
