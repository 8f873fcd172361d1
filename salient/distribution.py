"""The name of the distribution (its package is `salient`), where its configs are, and versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DISTRIBUTION = "salient-sod"  # `salient` on PyPI is somebody else's


# Packages that a result depends on. PyTorch and some others may be missing.
PACKAGES = ("torch", "torchvision", "timm", "pytorch-lightning", "albumentations", "numpy", "numba")


def how_to_install(extra: str | None = None) -> str:
    """How to install this project, or one of its extras: the end of a message."""
    what = f"'.[{extra}]'" if extra else "."
    return f"in a checkout of {DISTRIBUTION}: pip install {what}"


def config_folder() -> Path:
    """`configs/` of an installed package, or of a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def package_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that a result depends on."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
