"""What the page says and shows, as HTML: every text from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from salient.detection.cutout import Cutout
from salient.detection.presence import stands_out
from salient.serving.studio import BusyError, Seen, Studio, make_cutout

FORESEEN = (ValueError, OSError, BusyError, MemoryError)
SHOWN = {  # by the mode: its title, and what it is
    "map": ("Map", "how much each pixel stands out"),
    "cutout": ("Cut-out", "the object alone, by the settings"),
    "overlay": ("Overlay", "the map as heat over the picture"),
    "edges": ("Edges", "where the network sees the object's border"),
}
HEADING = """<h1>Salient object detection</h1>
<p>Give a picture: what stands out in it is found on this machine. Nothing is sent elsewhere, and
nothing is kept.</p>"""
PROGRAMS = """<details><summary>The same from a program</summary>
<pre>curl -F picture=@photo.jpg <span class="origin">http://HOST:PORT</span>/detect/map &gt; map.png
curl -F picture=@photo.jpg -F background=white -F crop=true \\
     <span class="origin">http://HOST:PORT</span>/detect/cutout &gt; cutout.png</pre></details>"""


class View(NamedTuple):
    """What the page shows.

    Attributes:
        picture: the address of the picture itself, or None.
        status: the picture's name and size, and what is to be said about it; HTML.
        results: the four results, or what will stand there; HTML.
    """

    picture: str | None
    status: str
    results: str


def first_view(
    studio: Studio, page: str, file: Mapping[str, Any] | None, settings: Mapping[str, Any]
) -> View:
    """Detect in a new picture, and hold it for the page.

    Args:
        page: who looks: Gradio's name of a session.
        file: the upload as Gradio describes it; it is deleted. None empties the page.
        settings: `weights`, and what `make_cutout` takes.
    """
    studio.forget(page)
    if file is None:
        return view_nothing()
    name = file.get("orig_name") or Path(file["path"]).name
    try:
        content = take(Path(file["path"]), name)
        with studio.turn():
            seen = studio.see(studio.read(content, name), name, settings["weights"])
        view = view_of(seen, settings)
    except FORESEEN as error:
        return view_nothing(str(error) or f"{name}: too large for the memory")
    studio.hold(page, seen)
    return view


def next_view(studio: Studio, page: str, settings: Mapping[str, Any]) -> View:
    """The same picture by other settings; by other weights it is detected in again."""
    seen = studio.held(page)
    if seen is None:
        return view_nothing()
    try:
        if seen.weights != settings["weights"]:
            with studio.turn():
                seen = studio.see(seen.picture, seen.name, settings["weights"])
            studio.hold(page, seen)
        return view_of(seen, settings)
    except FORESEEN as error:
        return view_nothing(str(error) or f"{seen.name}: too large for the memory")


def take(file: Path, name: str) -> bytes:
    """An upload's content; the file is gone afterwards.

    Raises:
        ValueError: there is no such upload.
    """
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{name}: did not arrive; give it again") from None
    finally:
        file.unlink(missing_ok=True)


def view_nothing(alert: str = "") -> View:
    """An empty page, with a line if something went wrong."""
    tiles = (
        f"<figure><p>{what}</p><figcaption>{title}</figcaption></figure>"
        for title, what in SHOWN.values()
    )
    return View(None, _alert(alert) if alert else "", _side_by_side(*tiles))


def view_of(seen: Seen, settings: Mapping[str, Any]) -> View:
    """A picture and its results. Raises as `make_cutout`."""
    chosen = {name: value for name, value in settings.items() if name != "weights"}
    chosen["background"] = _plain_colour(chosen["background"])
    status = _status(seen, make_cutout(chosen))
    tiles = (
        _tile(seen, mode, urlencode(chosen if mode == "cutout" else {}))  # the others do not change
        for mode in SHOWN
    )
    return View(f"made/{seen.token}/picture?small", status, _side_by_side(*tiles))


def _status(seen: Seen, cutout: Cutout) -> str:
    """What was given, and whether anything stands out in it."""
    height, width = seen.saliency.shape
    line = f"<p>{escape(seen.name)}<br>{width} × {height}, weights {escape(seen.weights)}</p>"
    if not stands_out(seen.saliency, seen.edge):
        return line + _alert("Nothing stands out in this picture.")
    if not cutout.alpha(seen.preview.saliency).any():
        return line + _alert("The cut-out is empty: the settings leave nothing.")
    return line


def _tile(seen: Seen, mode: str, query: str) -> str:
    """A result, which opens at its full size, and its download."""
    title, what = SHOWN[mode]
    link = escape(f"made/{seen.token}/{mode}?{query}")
    file = escape(f"{Path(seen.name).stem}-{mode}.png")
    return (
        f'<figure class="{mode}"><a href="{link}" target="_blank" title="Open at its full size">'
        f'<img src="{link}&amp;small" alt="{title}: {what}"></a><figcaption>{title}'
        f'<a href="{link}" download="{file}" aria-label="{title} as PNG">PNG</a>'
        "</figcaption></figure>"
    )


def _side_by_side(*tiles: str) -> str:
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _alert(line: str) -> str:
    return f'<p role="alert">{escape(line)}</p>'


def _plain_colour(picked: str) -> str:
    """What the colour picker gives, such as rgba(250.5, 0, 0, 1), as `find_colour` takes it."""
    numbers = re.findall(r"[\d.]+", picked) if picked.startswith("rgb") else []
    return ",".join(str(round(float(number))) for number in numbers[:3]) or picked
