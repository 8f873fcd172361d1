"""Photos without masks, labelled by a teacher's saved maps: for training, never for scoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from salient.arrays import Map, Picture
from salient.data.images import read_image, read_mask
from salient.data.layouts import find_folders
from salient.data.pairs import list_pairs, refuse


class SoftPair(NamedTuple):
    """A picture and its soft label, a saved map with the same name except for the extension."""

    name: str
    image: Path
    label: Path


@dataclass(frozen=True)
class SoftSet:
    """A set of pictures with the maps of a teacher.

    The maps are 8-bit pictures of any size, made once, for instance by `salient predict`.

    Args:
        title: its name in messages.
        root: its folder under the data root.
        layouts: (pictures, maps) folders under the data root.
        images, masks: the two folders, instead of `root`.
    """

    title: str
    root: str | None = None
    layouts: list[tuple[str, str]] = field(default_factory=list)
    images: str | None = None
    masks: str | None = None

    def pairs(self, data_root: str | Path, strict: bool = True) -> list[SoftPair]:
        """The pictures with their maps, sorted by name.

        Args:
            data_root: the folder with the data sets.
            strict: whether a picture without a map is an error or only left out.

        Raises:
            FileNotFoundError: the set is missing.
            ValueError: pictures and maps do not match, or the folders are not named.
        """
        images, maps = self.folders(data_root)
        listing = list_pairs(images, maps, self.title)
        refuse(listing.twice, f"{self.title}: several files with the same name")
        if strict:
            refuse(listing.alone[0], f"{self.title}: pictures without a map in {maps}")
        return [SoftPair(pair.name, pair.image, pair.mask) for pair in listing.pairs]

    def folders(self, data_root: str | Path) -> tuple[str | Path, str | Path]:
        """The folder of pictures and the folder of maps. Raises as `pairs`."""
        if self.images is not None and self.masks is not None:
            return self.images, self.masks
        if self.root is None:
            raise ValueError(f"{self.title}: images=DIR and masks=DIR are needed")
        return find_folders(data_root, self.root, self.layouts)


def read_soft(pair: SoftPair) -> tuple[Picture, Map]:
    """A picture uint8 H,W,3 and its label uint8 H,W, 0..255, resized to the picture's size.

    Raises as `read_image`.
    """
    picture, label = read_image(pair.image), read_mask(pair.label)
    if label.shape != picture.shape[:2]:
        shrinks = label.shape[0] > picture.shape[0] or label.shape[1] > picture.shape[1]
        filter = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        label = np.asarray(cv2.resize(label, picture.shape[1::-1], interpolation=filter), np.uint8)
    return picture, label
