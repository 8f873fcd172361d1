"""The HTTP API as an OpenAPI document."""

from __future__ import annotations

from typing import Any

from salient import __version__
from salient.detection.modes import MODES
from salient.serving.networks import Limits

STATUSES = {
    400: "no picture, a damaged one, or a setting that is not valid",
    403: "a page of another site asks",
    404: "no such mode",
    408: "the upload is too slow",
    413: "the request or the picture is above a limit",
    421: "the Host is not a name of this server",
    429: "too many pictures from one address",
    503: "too many pictures are waiting, or the server is stopping",
    507: "the server's disk is full",
}


def describe(weights: list[str], limits: Limits, root_path: str) -> dict[str, Any]:
    """The document as plain values, for JSON.

    Args:
        weights: names of the networks, the default first.
        limits: on requests.
        root_path: the path under which a proxy shows the server.
    """
    settings = _settings(weights)
    picture = {"type": "string", "format": "binary", "description": "at most "
               f"{limits.megabytes:g} megabytes and {limits.megapixels:g} megapixels"}  # fmt: skip
    form = {
        "type": "object",
        "required": ["picture"],
        "properties": {"picture": picture} | settings,
    }
    raw = {"schema": picture}
    post = {
        "summary": "Detect in a picture",
        "parameters": [
            _parameter("mode", "path", {"enum": [*MODES, "layers", "picture"]}, "what is drawn"),
            _parameter(
                "Ticket",
                "header",
                {"type": "string", "pattern": "^[\\w-]{8,64}$"},
                "a name of yours under which /queue tells the picture's place",
            ),
            *(_parameter(name, "query", schema) for name, schema in settings.items()),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "image/*": raw,
                "application/octet-stream": raw,
            },
        },
        "responses": {"200": _png()} | {str(s): _refusal(line) for s, line in STATUSES.items()},
    }
    place = {"type": "object", "properties": {"place": {"type": ["integer", "null"]}}}
    ticket = _parameter("ticket", "path", {"type": "string"}, "as the request with it said")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Salient object detection", "version": __version__},
        "servers": [{"url": root_path or "/"}],
        "paths": {
            "/detect/{mode}": {"post": post},
            "/queue/{ticket}": {
                "get": {
                    "summary": "How many pictures are before one; null: not in the queue",
                    "parameters": [ticket],
                    "responses": {"200": _json(place)},
                }
            },
            "/healthz": {
                "get": {
                    "summary": "Whether the server works, and how busy it is",
                    "responses": {
                        "200": _json({"type": "object"}),
                        "503": _json({"type": "object"}),
                    },
                }
            },
        },
    }


def _settings(weights: list[str]) -> dict[str, Any]:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    open_share = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return {
        "weights": {"enum": weights, "default": weights[0]},
        "background": {"type": "string", "description": "transparent, blur, or a colour"},
        "threshold": open_share,
        "feather": share,
        "min_area": share,
        "crop": {"type": "boolean"},
    }


def _parameter(name: str, place: str, schema: dict[str, Any], about: str = "") -> dict[str, Any]:
    made = {"name": name, "in": place, "required": place == "path", "schema": schema}
    return made | ({"description": about} if about else {})


def _png() -> dict[str, Any]:
    stands = {"description": "whether anything stands out", "schema": {"enum": ["true", "false"]}}
    content = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    return {"description": "a PNG", "headers": {"Stands-Out": stands}, "content": content}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "JSON", "content": {"application/json": {"schema": schema}}}


def _refusal(line: str) -> dict[str, Any]:
    problem = {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    }
    content = {
        "text/plain": {"schema": {"type": "string"}},
        "application/problem+json": {"schema": problem},
    }
    return {"description": line, "content": content}
