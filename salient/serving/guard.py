"""The door of the server: what may be asked, how much may be sent, and which files may be named.

Gradio has routes that this page does not need, among them those that hand out files and fetch
addresses. They are closed here, so that no setting of Gradio decides over them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MEBI = 2**20  # bytes of a megabyte
JOIN = "/gradio_api/queue/join"  # what the page calls; its JSON may name uploaded files
OPEN = re.compile(
    r"/|/(theme\.css|favicon\.ico)|/(static|assets)/.+"
    rf"|/gradio_api/(upload|upload_progress|queue/data|heartbeat/\w+)|{JOIN}"
    r"|/(detect|made)/.+"
)
POLICY = (  # a browser loads nothing from elsewhere, whatever Gradio's page asks for
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class Guard:
    """ASGI: lets through to `app` what the page and the programs need, and answers the rest.

    Args:
        app: the application behind the door.
        uploads: the only folder whose files a request may name.
        megabytes: the largest request.
    """

    def __init__(self, app: App, uploads: str | Path, megabytes: float) -> None:
        self.app, self.uploads, self.megabytes = app, os.path.normpath(uploads), megabytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer 404 to what is closed, 413 to what is too long, 403 to a foreign file's name."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http" or not OPEN.fullmatch(scope["path"]):
            return await _answer(send, 404, "there is nothing here")
        body = await self._read(receive)
        if body is None:
            line = f"above max_megabytes={self.megabytes:g}; make the picture's file smaller, or "
            return await _answer(send, 413, f"{line}start with a higher limit")
        if scope["path"] == JOIN:
            try:
                content = json.loads(body or "null")
            except (ValueError, RecursionError):
                return await _answer(send, 400, "no JSON")
            if not all(map(self._is_upload, _paths(content))):
                return await _answer(send, 403, "only an uploaded file can be named")
            body = json.dumps(content).encode()  # what was checked, and nothing else
        if scope["path"] == "/":
            scope = {**scope, "query_string": b""}  # it could name a stored state
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        await self.app(scope, again, with_headers)

    async def _read(self, receive: Receive) -> bytes | None:
        """What is sent; None if it is too long, as soon as it is."""
        body, more = bytearray(), True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.megabytes * MEBI:
                return None
        return bytes(body)

    def _is_upload(self, path: Any) -> bool:
        if not isinstance(path, str):
            return path is None
        return os.path.normpath(path).startswith(self.uploads + os.sep)


def _paths(node: Any) -> Iterator[Any]:
    """What stands under `path` anywhere in JSON: names of files, as Gradio takes them."""
    if isinstance(node, dict):
        yield from [node["path"]] if "path" in node else []
        node = list(node.values())
    for part in node if isinstance(node, list) else []:
        yield from _paths(part)


async def _answer(send: Send, status: int, line: str) -> None:
    kind = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": [*kind, *HEADERS]})
    await send({"type": "http.response.body", "body": f"{line}\n".encode()})
