"""Pictures and masks: reading, pairing, resizing, caching. Independent of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salient.lazy import lazy_names

if TYPE_CHECKING:
    from salient.data.images import read_image
    from salient.data.pairs import Pair, find_pairs
    from salient.data.sets import PairSet, find_set
    from salient.data.soft import SoftSet
    from salient.data.transforms import RESIZE

__all__ = [
    "RESIZE",
    "Pair",
    "PairSet",
    "SoftSet",
    "find_pairs",
    "find_set",
    "read_image",
]
__getattr__ = lazy_names(
    __name__,
    {
        "read_image": "images",
        "Pair": "pairs",
        "find_pairs": "pairs",
        "PairSet": "sets",
        "find_set": "sets",
        "SoftSet": "soft",
        "RESIZE": "transforms",
    },
)
