"""The settings of a request: read from texts, checked, and never the name of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salient.detection.cutout import Cutout, find_colour

SETTINGS = {"background": str, "threshold": float, "feather": float, "min_area": float}


def make_cutout(settings: Mapping[str, Any]) -> Cutout:
    """A `Cutout` from the settings of a request: texts or values by parameter.

    A `background` is transparent, `blur` or a colour.

    Raises:
        ValueError: an unknown name, a value outside its bounds, or a background that is neither a
            colour nor `blur`: files of this machine are not read.
    """
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "crop":
            if str(value).lower() not in ("true", "false"):
                raise ValueError(f"crop: {value!r:.80} is not valid; use true or false")
            values[name] = str(value).lower() == "true"
        elif name in SETTINGS:
            try:
                values[name] = SETTINGS[name](value)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name}: {value!r:.80} is not a number") from error
        else:
            raise ValueError(f"{name!r:.80}: unknown; there are {', '.join(SETTINGS)}, crop")
    background = values.get("background") or None
    if background == "transparent":
        background = None
    if background not in (None, "blur") and find_colour(background) is None:
        raise ValueError(
            f"background: {background!r:.80} is not valid; use transparent, blur, or a colour such "
            "as white or 255,0,0"
        )
    return Cutout(**values | {"background": background})
