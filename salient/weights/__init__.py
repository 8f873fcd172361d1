"""Read and write networks: our format, ModelScope's, and encoders of other projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salient.lazy import lazy_names

if TYPE_CHECKING:
    from salient.weights.edit import convert
    from salient.weights.find import find_checkpoint
    from salient.weights.imagenet import build_encoder
    from salient.weights.store import describe, load_network, save_network

__all__ = [
    "build_encoder",
    "convert",
    "describe",
    "find_checkpoint",
    "load_network",
    "save_network",
]
__getattr__ = lazy_names(
    __name__,
    {
        "convert": "edit",
        "find_checkpoint": "find",
        "build_encoder": "imagenet",
        "load_network": "store",
        "save_network": "store",
        "describe": "store",
    },
)
