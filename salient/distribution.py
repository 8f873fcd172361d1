"""The name under which this project is distributed; the package that it installs is `salient`."""

from __future__ import annotations

DISTRIBUTION = "salient-sod"  # `salient` on PyPI is somebody else's


def how_to_install(extra: str | None = None) -> str:
    """How to install this project, or one of its extras: the end of a message."""
    what = f"'.[{extra}]'" if extra else "."
    return f"in a checkout of {DISTRIBUTION}: pip install {what}"
