"""Assemble the page from its parts, with a policy that allows them by their hashes."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

PARTS = Path(__file__).with_name("page")
PROGRAMS = """curl -F picture=@photo.jpg HERE/detect/map > map.png
curl -F picture=@photo.jpg -F background=white -F crop=true \\
     HERE/detect/cutout > cutout.png"""
SHARED = ("words.js", "pixels.js", "cutout.js")  # followed by the engine and page.js


class Page(NamedTuple):
    """A page, and the Content-Security-Policy under which it works."""

    html: str
    policy: str


def build_served_page(weights: list[str]) -> Page:
    """The page of `salient serve`, which asks the HTTP API.

    Args:
        weights: names of the networks, the default first.
    """
    setup = {"weights": weights, "programs": PROGRAMS}
    return build_page("by_server.js", setup, policy="connect-src 'self'")


def build_page(
    engine: str,
    setup: Mapping[str, Any],
    policy: str,
    data: Mapping[str, str] | None = None,
    scripts: str = "",
) -> Page:
    """The page with an engine.

    Args:
        engine: the script that computes maps.
        setup: the constant `SETUP` of the scripts, as JSON.
        policy: permissions of the engine besides the page's own scripts and styles.
        scripts: sources that it may run besides the page's own script.
        data: further texts by the `id` by which scripts read them; without `<`.
    """
    style = read_part("page.css")
    script = "\n".join(map(read_part, (*SHARED, engine, "page.js")))
    setup_text = json.dumps({**setup, "heat": _heat()}).replace("<", "\\u003c")
    blocks = {"setup": setup_text, **(data or {})}
    rules = [
        "default-src 'none'",
        f"script-src {_hash(script)} {scripts}".strip(),
        f"style-src {_hash(style)}",
        "img-src blob: data:",
        policy,
        "base-uri 'none'",
        "form-action 'none'",
    ]
    joined = "; ".join(rules)
    html = read_part("page.html")
    for mark, text in {
        "/*style*/": style,
        "<!--data-->": "\n".join(
            f'<script type="text/plain" id="{name}">{text}</script>'
            for name, text in blocks.items()
        ),
        "/*script*/": script,
        "<!--policy-->": f'<meta http-equiv="Content-Security-Policy" content="{joined}">',
    }.items():
        assert html.count(mark) == 1
        html = html.replace(mark, text)
    return Page(html, joined)


def read_part(name: str) -> str:
    """A file of the page."""
    return (PARTS / name).read_text(encoding="utf-8")


def _heat() -> list[list[int]]:
    """The colours of `mode=overlay`, RGB, by the level of the map."""
    levels = np.arange(256, dtype=np.uint8)[:, None]
    heat: list[list[int]] = cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)[:, 0, ::-1].tolist()
    return heat


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
