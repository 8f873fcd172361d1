"""Run uvicorn with time-outs before a request, a limit for each address, and a quick stop."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from salient.serving.app import Service

HEADER_SECONDS = 10.0  # from the first byte, or the connection, to the end of a request's headers
ANSWER_SECONDS = 60.0  # for the client to fetch an answer
KEEP_ALIVE_SECONDS = 5
CONNECTIONS = 200
EACH = 64  # connections of one address


class Protocol(H11Protocol):  # type: ignore[misc]
    """A connection that is closed if the client is too slow, or if others need its place.

    If all places are taken, the connection that has been idle longest is closed for a new one; if
    all are busy, the new one is closed.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.since = self.loop.time()
        self._patience = self.loop.call_later(HEADER_SECONDS, self._lose_patience)
        self._crowd_out()

    def connection_lost(self, exc: Exception | None) -> None:
        self._patience.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.idle and self._patience.cancelled():  # the first bytes of a further request
            self._patience = self.loop.call_later(HEADER_SECONDS, self._lose_patience)
        elif not self.idle:
            self._patience.cancel()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()  # closes once the answer is fetched
        self._patience.cancel()
        self._patience = self.loop.call_later(ANSWER_SECONDS, self._lose_patience)

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _lose_patience(self) -> None:
        self.transport.abort()

    def _crowd_out(self) -> None:
        proxied = self.config.proxy_headers  # then all connections have the proxy's address
        host = self.client and self.client[0]
        open_ones = [c for c in self.connections if not c.transport.is_closing()]
        mine = [c for c in open_ones if c.client and c.client[0] == host]
        if len(open_ones) > CONNECTIONS:
            crowd = open_ones
        elif len(mine) > EACH and not proxied:
            crowd = mine
        else:
            return
        idle = [c for c in crowd if c is not self and c.idle]
        min(idle, key=lambda c: c.since, default=self).transport.abort()


class Server(uvicorn.Server):  # type: ignore[misc]
    """A server that prints a line when it is ready, and stops at once when asked.

    Args:
        service: the application.
        line: the line to print.
        proxy: the address of a trusted proxy that sets `X-Forwarded-For`.
    """

    def __init__(self, service: Service, line: str = "", proxy: str | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                service,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
                proxy_headers=proxy is not None,
                forwarded_allow_ips=proxy or "",
            )
        )
        self.service, self.line = service, line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if self.line:
            print(self.line, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Answer all waiting and running requests with 503, then stop."""
        self._loop.call_soon_threadsafe(self.service.line.ended.set)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.service.line.ended.set()
        await asyncio.sleep(0.1)  # the answers are written
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def serve_until_stopped(server: Server, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, without waiting for pictures in work."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.run([listener])
    except KeyboardInterrupt:
        print("\nended; nothing was kept", flush=True)
    finally:
        signal.signal(signal.SIGTERM, before)
    if server.service.line.counts()[0]:
        sys.stderr.flush()
        os._exit(0)  # a computing thread cannot be stopped, and a normal exit would wait for it


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket.

    Raises:
        ValueError: the port is in use, or the address cannot be used.
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


def address_of(host: str, listener: socket.socket) -> str:
    """The address to open in a browser."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
