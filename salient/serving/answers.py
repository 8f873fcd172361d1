"""Turn errors into a status and a line of text, or JSON for clients that ask for it."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from salient.files import printable
from salient.serving.line import BusyError, EndingError, GoneError, GreedyError
from salient.serving.networks import TooLargeError

Endpoint = Callable[[Request], Awaitable[Response]]
STATUS: dict[type[Exception], int] = {  # the first that fits
    TooLargeError: 413,
    GreedyError: 429,
    BusyError: 503,
    EndingError: 503,
    GoneError: 499,  # the client is gone
    ClientDisconnect: 499,
    TimeoutError: 408,
    LookupError: 404,
    ValueError: 400,
}
FULL = (errno.ENOSPC, errno.EDQUOT)
RETRY = 5  # seconds after which to ask a busy server again


def refuse(accept: str, status: int, line: str, headers: dict[str, str] | None = None) -> Response:
    """An answer with a line of text, or JSON (RFC 9457) if `accept` names JSON."""
    headers, line = dict(headers or {}), printable(line)
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY)
    if status in (408, 413):
        headers["Connection"] = "close"  # the rest of the upload is not read
    if "json" not in accept.lower():
        return PlainTextResponse(f"{line}\n", status, headers)
    title = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Client Closed Request"
    content = {"title": title, "status": status, "detail": line}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def in_a_line(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers errors with `refuse`, and also prints unexpected ones."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        try:
            return await endpoint(request)
        except HTTPException as error:
            return refuse(accept, error.status_code, str(error.detail))
        except MemoryError:
            return refuse(accept, 413, "not enough memory for this picture")
        except tuple(STATUS) as error:
            status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
            return refuse(accept, status, str(error))
        except OSError as error:
            if error.errno in FULL:
                return refuse(accept, 507, "no space is left on the server's disk")
            traceback.print_exc()
        except Exception:
            traceback.print_exc()
        return refuse(accept, 500, "internal error; see the output of the server")

    return answer
