"""The server: the page, the same for programs by HTTP, and the downloads of the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from salient.data.encoding import encode_png
from salient.detection.presence import stands_out
from salient.files import printable
from salient.serving.guard import Guard
from salient.serving.page import build_page, look
from salient.serving.studio import BusyError, Seen, Studio, TooLargeError, make_cutout

STATUS = {TooLargeError: 413, BusyError: 503, LookupError: 404, ValueError: 400}


def build_app(studio: Studio, uploads: str | Path, megabytes: float) -> Guard:
    """The whole server, as an ASGI application.

    `POST /detect/MODE` takes a form with a file `picture`, `weights`, and what `make_cutout` takes;
    `GET /made/TOKEN/MODE` gives a result of the page. Both answer with a PNG, or with a status and
    a line of text.

    Args:
        uploads: the folder in which Gradio holds what is uploaded, until it has been read.
        megabytes: the largest request.

    Raises:
        ModuleNotFoundError: Gradio is not installed.
    """
    import gradio
    from fastapi import FastAPI
    from starlette.concurrency import run_in_threadpool

    async def detect(request: Any) -> Any:
        """Detect in the picture that is sent."""
        form = dict(await request.form(max_files=1, max_fields=20))
        picture = form.pop("picture", None)
        if not hasattr(picture, "read"):
            raise ValueError(f"picture: missing; curl -F picture=@photo.jpg {request.url}")
        content, name = await picture.read(), picture.filename or "picture"
        await picture.close()
        return await run_in_threadpool(detected, request.path_params["mode"], content, name, form)

    def detected(mode: str, content: bytes, name: str, form: dict[str, Any]) -> Any:
        weights = form.pop("weights", next(iter(studio.checkpoints)))
        cutout = make_cutout(form)
        with studio.turn():
            seen = studio.see(studio.read(content, name), name, weights)
            return _png(seen, mode, cutout)

    async def made(request: Any) -> Any:
        """A result of what a page looks at, of the picture's own size."""
        seen = studio.with_token(request.path_params["token"])
        if seen is None:
            raise LookupError("this picture is no longer held; give it to the page again")
        settings = dict(request.query_params)
        small = settings.pop("small", None) is not None
        return await run_in_threadpool(
            drawn, seen, request.path_params["mode"], make_cutout(settings), small
        )

    def drawn(seen: Seen, mode: str, cutout: Any, small: bool) -> Any:
        if small:  # as the page shows it: made at once, without waiting
            return _png(seen.preview, mode, cutout)
        with studio.turn():
            return _png(seen, mode, cutout)

    app = FastAPI(openapi_url=None)
    app.add_route("/detect/{mode}", _in_a_line(detect), ["POST"])
    app.add_route("/made/{token}/{mode}", _in_a_line(made), ["GET"])
    # No max_file_size: Gradio would tell the file's name as HTML. The guard refuses what is larger.
    gradio.mount_gradio_app(app, build_page(studio), "/", **look())
    return Guard(app, uploads, megabytes)


def _png(seen: Seen, mode: str, cutout: Any) -> Any:
    from starlette.responses import Response

    told = {"Stands-Out": str(stands_out(seen.saliency, seen.edge)).lower()}
    told["Cache-Control"] = "no-store"
    return Response(encode_png(seen.draw(mode, cutout)), media_type="image/png", headers=told)


def _in_a_line(endpoint: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What an endpoint refuses becomes a status and a line of text."""
    from starlette.exceptions import HTTPException
    from starlette.responses import PlainTextResponse

    @wraps(endpoint)
    async def answer(request: Any) -> Any:
        try:
            return await endpoint(request)
        except HTTPException as error:
            status, line = error.status_code, error.detail
        except MemoryError:
            status, line = 413, "the picture is too large for the memory"
        except tuple(STATUS) as error:
            status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
            line = str(error)
        return PlainTextResponse(f"{printable(line)}\n", status)

    return answer
