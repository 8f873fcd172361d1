"""The checks before a request is processed: its host and origin, its size and its speed."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from salient.serving.answers import refuse
from salient.serving.line import EndingError, Shares
from salient.serving.networks import TooLargeError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MEBI = 2**20  # bytes of a megabyte
IDLE_SECONDS = 15.0  # between two pieces of an upload
UPLOAD_SECONDS = 120.0  # for all of it
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
CLOSED = "default-src 'none'; frame-ancestors 'none'"  # the policy of all but the page


class Door:
    """ASGI: passes requests on to `app`, or refuses them.

    A page of another site cannot use the server: neither from its own address (`Origin`), nor
    through a name that leads to this machine (`Host`, DNS rebinding). A numeric address cannot be
    such a name and is accepted.

    Args:
        app: the application behind the door.
        names: the names of this server on this machine, such as localhost.
        allowed: further names, with or without a port.
        megabytes: the largest request.
        uploads: bytes that may be received at a time.
        ended: set when the server stops.
    """

    def __init__(
        self,
        app: App,
        names: Iterable[str],
        allowed: Iterable[str],
        megabytes: float,
        uploads: Shares,
        ended: asyncio.Event,
    ) -> None:
        self.app, self.megabytes, self.uploads, self.ended = app, megabytes, uploads, ended
        self.allowed = {name.lower() for name in allowed}
        self.names = {name.lower() for name in names} | self.allowed

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer 421 to a foreign name and 403 to a foreign page; otherwise call `app`."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                for name, value in (HEADERS | {"Content-Security-Policy": CLOSED}).items():
                    added.setdefault(name, value)
            await send(message)

        refused = self.refusal(headers.get("host", ""), headers.get("origin"))
        if refused is not None:
            answer = refuse(headers.get("accept", ""), *refused)
            await answer(scope, receive, with_headers)
            return
        upload = Upload(self, receive, scope["client"][0] if scope.get("client") else "")
        try:
            await self.app(scope, upload.receive, with_headers)
        finally:
            upload.forget()

    def refusal(self, host: str, origin: str | None) -> tuple[int, str] | None:
        """The status and line that refuse this `Host` and `Origin`; None if they are allowed."""
        if not self.knows(host):
            return 421, f"{host!r:.80} is not a name of this server; add it to allowed_hosts"
        theirs = None if origin is None else urlsplit(origin).netloc.lower()
        if theirs in (None, host.lower()) or {theirs, _without_port(theirs)} & self.allowed:
            return None
        return 403, f"{origin!r:.80}: pages of another site are not answered; see allowed_hosts"

    def knows(self, host: str) -> bool:
        """Whether a `Host` is a name of this server, or a numeric address."""
        name = _without_port(host.lower())
        if {host.lower(), name} & self.names:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


class Upload:
    """The body of one request, counted and timed.

    Args:
        door: with the limits.
        receive: ASGI's function for the next message.
        address: of the client.
    """

    def __init__(self, door: Door, receive: Receive, address: str) -> None:
        self.door, self._receive, self.address = door, receive, address
        self.bytes, self.complete = 0, False
        self.deadline = asyncio.get_running_loop().time() + UPLOAD_SECONDS

    async def receive(self) -> Message:
        """Like ASGI's `receive`.

        Raises:
            TooLargeError: the body is above the limit.
            BusyError, GreedyError: too much is being received, in all or from this address.
            TimeoutError: nothing came for too long.
            EndingError: the server stops.
        """
        if self.complete:
            return await self._receive()  # waits for the end of the connection
        message = await self._in_time()
        size = len(message.get("body", b""))
        if self.bytes + size > self.door.megabytes * MEBI:
            raise TooLargeError(
                f"above max_megabytes={self.door.megabytes:g}; make the picture's file smaller, "
                "or start with a higher limit"
            )
        self.door.uploads.take(self.address, size)
        self.bytes += size
        self.complete = not message.get("more_body", False)
        return message

    def forget(self) -> None:
        """The request is over."""
        self.door.uploads.give(self.address, self.bytes)

    async def _in_time(self) -> Message:
        left = self.deadline - asyncio.get_running_loop().time()
        message = asyncio.ensure_future(self._receive())
        ended = asyncio.ensure_future(self.door.ended.wait())
        both = {message, ended}
        wait = max(min(IDLE_SECONDS, left), 0)
        done, _ = await asyncio.wait(both, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        for future in both - done:
            future.cancel()
        if message in done:
            return message.result()
        if ended in done:
            raise EndingError("the server is stopping; nothing was kept")
        raise TimeoutError("the upload is too slow")


def _without_port(host: str | None) -> str:
    name, _, port = (host or "").rpartition(":")
    return name if name and port.isdecimal() else host or ""
