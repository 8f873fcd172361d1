"""Describe the objects in a mask, and group pictures by them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from salient.arrays import Mask
from salient.data.transforms import MASK_THRESHOLD

SPECK = 0.001  # a part of the mask below this fraction of the picture does not count
MANY = 3  # parts, or more


class Objects(NamedTuple):
    """The objects in a mask: `area`, the foreground as a fraction of the picture; whether it
    touches the picture's `border`; and the number of its `parts` (8-connected, each .1 % of the
    picture or more; a smaller mask is one part).
    """

    area: float
    border: bool
    parts: int


def objects_of(mask: Mask) -> Objects:
    """The objects of a mask uint8 H,W."""
    foreground = (mask > MASK_THRESHOLD).astype(np.uint8)
    edges = (foreground[0], foreground[-1], foreground[:, 0], foreground[:, -1])
    _, _, parts, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    sizes = parts[1:, cv2.CC_STAT_AREA]
    counted = int((sizes >= SPECK * mask.size).sum()) or int(sizes.size > 0)
    return Objects(float(foreground.mean()), any(edge.any() for edge in edges), counted)


class Group(NamedTuple):
    """A group of pictures by their masks: an area of `least` to `most` per cent, whether it touches
    the `border`, and the number of `parts` (MANY: that many or more). None: any.
    """

    name: str
    least: float = 0
    most: float = 100
    border: bool | None = None
    parts: int | None = None

    def holds(self, objects: Objects) -> bool:
        """Whether a picture with these objects belongs to the group."""
        return (
            self.least <= 100 * objects.area <= self.most
            and self.border in (None, objects.border)
            and self.parts in (None, min(objects.parts, MANY))
        )


GROUPS = (  # the report's page gets them too
    Group("all pictures"),
    Group("area under 5 %", most=5),
    Group("area 5 to 20 %", least=5, most=20),
    Group("area 20 to 40 %", least=20, most=40),
    Group("area over 40 %", least=40),
    Group("touches the border", border=True),
    Group("free of the border", border=False),
    Group("one part", parts=1),
    Group("two parts", parts=2),
    Group("three parts or more", parts=MANY),
    Group("no part", parts=0),
)
