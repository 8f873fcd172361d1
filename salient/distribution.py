"""The name under which this project is distributed, and where its configs lie.

The package that it installs is `salient`.
"""

from __future__ import annotations

from pathlib import Path

DISTRIBUTION = "salient-sod"  # `salient` on PyPI is somebody else's


def how_to_install(extra: str | None = None) -> str:
    """How to install this project, or one of its extras: the end of a message."""
    what = f"'.[{extra}]'" if extra else "."
    return f"in a checkout of {DISTRIBUTION}: pip install {what}"


def config_folder() -> Path:
    """`configs/` of an installed package, or of a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"
