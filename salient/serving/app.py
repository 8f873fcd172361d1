"""The HTTP API: a picture in, a PNG out; and the page."""

from __future__ import annotations

import re
import secrets
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import numpy as np
from starlette.applications import Starlette
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from salient import __version__
from salient.arrays import Drawing, Map, Picture
from salient.data.encoding import encode_png
from salient.detection.cutout import Cutout
from salient.detection.modes import MODES, Mode
from salient.serving.answers import in_a_line, refuse
from salient.serving.door import MEBI, Door
from salient.serving.line import Line, Shares
from salient.serving.networks import Limits, Networks, read_picture
from salient.serving.openapi import describe
from salient.serving.page import build_served_page
from salient.serving.settings import make_cutout

TICKET = re.compile(r"[\w-]{8,64}", re.ASCII)


class MemoryParser(MultiPartParser):  # type: ignore[misc]
    """Keeps files of any size in memory; `Door` limits requests."""

    spool_max_size = 2**40


class Asked(NamedTuple):
    """A request: a picture's file, its name, the network, and the cut-out."""

    content: bytes
    name: str
    weights: str
    cutout: Cutout


class Service:
    """The whole server, as an ASGI application.

    Args:
        networks: the networks to detect with.
        limits: the limits on requests.
        page: whether there is a page at `/`, or only the API.
        names: the names of the server on this machine.
        allowed_hosts: further names, with or without a port.
        root_path: the path under which a proxy shows it, such as `/salient`.
    """

    def __init__(
        self,
        networks: Networks,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        page: bool = True,
        names: tuple[str, ...] = ("localhost",),
        allowed_hosts: tuple[str, ...] = (),
        root_path: str = "",
    ) -> None:
        self.networks, self.limits, self.root_path = networks, limits, root_path.rstrip("/")
        self.line = Line(networks.threads, limits.queue)
        self.page = build_served_page(list(networks.checkpoints)) if page else None
        places = self.line.shares.total
        request = int(limits.megabytes * MEBI)
        uploads = Shares(places * request, max(places // 2, 1) * request)
        routes = [
            Route("/", in_a_line(self.show_page), methods=["GET"]),
            Route("/detect/{mode}", in_a_line(self.detect), methods=["GET", "POST"]),
            Route("/queue/{ticket}", in_a_line(self.tell_place), methods=["GET"]),
            Route("/healthz", in_a_line(self.tell_health), methods=["GET"]),
            Route("/openapi.json", in_a_line(self.tell_api), methods=["GET"]),
        ]
        app = Starlette(routes=routes, exception_handlers={404: _nothing, 405: _method})
        app.router.redirect_slashes = False
        self.door = Door(app, names, allowed_hosts, limits.megabytes, uploads, self.line.ended)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As ASGI."""
        await self.door(scope | {"root_path": self.root_path}, receive, send)

    async def detect(self, request: Request) -> Response:
        """Detect in the picture of the request."""
        mode = request.path_params["mode"]
        drawers = draw_modes()
        if mode not in drawers:
            raise LookupError(f"{mode!r:.80}: no such mode; there are {', '.join(MODES)}")
        if request.method != "POST":
            line = f"send a picture by POST; {_example(request)}"
            return refuse(request.headers.get("accept", ""), 405, line, {"Allow": "POST"})
        ticket = request.headers.get("ticket") or secrets.token_urlsafe()
        if not TICKET.fullmatch(ticket):
            raise ValueError("Ticket: give 8 to 64 letters, digits, - and _")
        asked = await self.read_request(request)

        def work(alone: bool) -> Response:
            picture = read_picture(asked.content, asked.name, self.limits.megapixels)
            if mode == "picture":
                return _png(picture, {})
            found = self.networks.detect(picture, asked.weights, alone)
            draw = asked.cutout if mode == "cutout" else drawers[mode]
            drawn = draw(picture, found.saliency, found.edge_or_none)
            return _png(drawn, {"Stands-Out": str(found.stands_out).lower()})

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        address = request.client.host if request.client else ""
        return await self.line.run(work, address, ticket, gone)

    async def read_request(self, request: Request) -> Asked:
        """Read a request. The picture is a file of the form, or the whole body.

        Raises:
            ValueError: there is no picture, or a setting is not valid.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        fields = parse_qsl(request.url.query, keep_blank_values=True)
        content, name = None, "picture"
        if kind == "multipart/form-data":
            parser = MemoryParser(request.headers, request.stream(), max_files=1, max_fields=20)
            try:
                form = await parser.parse()
            except MultiPartException as error:
                raise ValueError(error.message) from None
            for key, value in form.multi_items():
                if isinstance(value, str):
                    fields.append((key, value))
                elif key == "picture":
                    content, name = await value.read(), value.filename or name
        else:
            body = await request.body()
            content = body if body and not _is_text_form(kind, body) else None
        settings = dict(fields)
        if content is None:
            raise ValueError(f"picture: missing; {_example(request)}")
        if len(settings) < len(fields):
            raise ValueError("a setting is given twice")
        weights = settings.pop("weights", self.networks.default)
        self.networks.check(weights)
        return Asked(content, name, weights, make_cutout(settings))

    async def show_page(self, request: Request) -> Response:
        """The page."""
        if self.page is None:
            return await _nothing(request)
        headers = {"Content-Security-Policy": f"{self.page.policy}; frame-ancestors 'none'"}
        return HTMLResponse(self.page.html, headers=headers | {"Cache-Control": "no-cache"})

    async def tell_place(self, request: Request) -> Response:
        """How many pictures come before one; null if it is not in the queue."""
        _no_query(request)
        return _json({"place": self.line.place(request.path_params["ticket"])})

    async def tell_health(self, request: Request) -> Response:
        """Whether the server works, and how busy it is."""
        _no_query(request)
        working, waiting = self.line.counts()
        ending = self.line.ended.is_set()
        content: dict[str, Any] = {"status": "ending" if ending else "ok", "version": __version__}
        content |= {"weights": list(self.networks.checkpoints)}
        return _json(content | {"working": working, "waiting": waiting}, 503 if ending else 200)

    async def tell_api(self, request: Request) -> Response:
        """The description of the API, as OpenAPI."""
        _no_query(request)
        return _json(describe(list(self.networks.checkpoints), self.limits, self.root_path))


def draw_modes() -> dict[str, Mode]:
    """The modes of `/detect`: those of `predict`, and two that the page needs.

    `layers` has the map in red, the boundary map in green, and 255 in blue if there is a boundary;
    `picture` is the picture as it was read, for browsers that cannot read its format.
    """

    def layers(picture: Picture, saliency: Map, edge: Map | None) -> Picture:
        there = np.full_like(saliency, 0 if edge is None else 255)
        return np.dstack([saliency, np.zeros_like(saliency) if edge is None else edge, there])

    def same(picture: Picture, saliency: Map, edge: Map | None) -> Picture:
        return picture

    return {**MODES, "layers": layers, "picture": same}


def _example(request: Request) -> str:
    mode = request.path_params["mode"]
    return f"curl -F picture=@photo.jpg {request.base_url}detect/{mode} > {mode}.png"


def _png(drawn: Drawing, headers: dict[str, str]) -> Response:
    headers = headers | {"Cache-Control": "no-store"}
    return Response(encode_png(drawn), media_type="image/png", headers=headers)


def _json(content: Any, status: int = 200) -> Response:
    return JSONResponse(content, status, {"Cache-Control": "no-store"})


def _no_query(request: Request) -> None:
    if request.url.query:
        raise ValueError(f"{request.url.query!r:.80}: there are no settings here")


def _is_text_form(kind: str, content: bytes) -> bool:
    """Whether a body is a form of texts; `curl --data-binary @photo.jpg` claims this of a photo."""
    printable = content.isascii() and content.decode("ascii").isprintable()
    return kind == "application/x-www-form-urlencoded" and printable


async def _nothing(request: Request, error: Exception | None = None) -> Response:
    return refuse(request.headers.get("accept", ""), 404, "not found")


async def _method(request: Request, error: Exception | None = None) -> Response:
    allow = dict(getattr(error, "headers", None) or {})
    return refuse(
        request.headers.get("accept", ""), 405, f"{request.method} is not allowed here", allow
    )
