"""A data set: pairs with a name, described once for training and scoring."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Literal

import yaml

from salient.config import did_you_mean
from salient.data.annotations import are_polygons, drawn_masks, unpacked
from salient.data.depth import common_white, deep_files
from salient.data.layouts import find_folders
from salient.data.masks import check_masks
from salient.data.names import Naming
from salient.data.pairs import Listing, Pair, find_pairs, list_pairs
from salient.data.transforms import MASK_THRESHOLD
from salient.data.turns import check_turns
from salient.distribution import config_folder
from salient.remote import any_path, fetch


@dataclass(frozen=True)
class PairSet:
    """The description of a data set: its folders, its number of pairs, and published scores.

    The folders of pictures and masks may have a star in place of a folder's name, as those of a
    video have: `frames/*` and `truth/*`, or `*/Imgs` and `*/GT`. A pair is then named
    `SEQUENCE/NAME`.

    Args:
        title: its name in tables and messages.
        root: its folder under the data root.
        layouts: published (pictures, masks) folders under the data root.
        images, masks: the two folders, instead of `root`. Masks may be polygons, a COCO file or a
            folder of YOLO's labels; images alone may be WebDataset's shards, `train-*.tar`.
        expected: how many pairs there should be; any number if None.
        differing_sizes: names with a known difference between the sizes of picture and mask.
        mask_threshold: foreground of its masks is above it, 0..254; 0 for masks of 0 and 1.
        exif: `apply` rotates pictures and masks as their EXIF tags say; `ignore` reads both as
            stored, for masks that were drawn on stored pictures.
        white: the value of white in masks of more than 8 bits; None finds one value for all.
        prefix, suffix: what the name of a mask has around that of its picture, such as `_mask`.
        aliases: the names of masks that follow no rule, by their pictures' names.
        home: the page of its publishers.
        published: headline figures of ModelScope's damo/cv_res2net_salient-detection, by key.
    """

    title: str
    root: str | None = None
    layouts: list[tuple[str, str]] = field(default_factory=list)
    images: str | None = None
    masks: str | None = None
    expected: int | None = None
    differing_sizes: list[str] = field(default_factory=list)
    mask_threshold: int = MASK_THRESHOLD
    exif: Literal["apply", "ignore"] = "apply"
    white: float | None = None
    prefix: str = ""
    suffix: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    home: str | None = None
    published: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.mask_threshold <= 254:
            raise ValueError(
                f"{self.title}: mask_threshold must be in 0..254, got {self.mask_threshold}"
            )

    def pairs(
        self, data_root: str | Path, strict: bool = True, pictures: bool = True
    ) -> list[Pair]:
        """The pairs of the set, after checks of all names and some masks (see `check_masks`).

        Args:
            data_root: the folder with the data sets.
            strict: whether a wrong number of pairs is an error or only a warning.
            pictures: False to score saved maps: then `masks` is enough, and the `image` of a pair
                is its mask.

        Raises:
            FileNotFoundError: the set is missing; the message has the folder and the home page.
            ValueError: pictures and masks do not match (see `find_pairs`), or all masks are empty.
        """
        images, masks = self.folders(data_root, pictures)
        pairs = find_pairs(
            images,
            masks,
            title=self.title,
            expected=self.expected,
            strict=strict,
            differing_sizes=self.differing_sizes,
            mask_threshold=self.mask_threshold,
            turn=self.exif == "apply",
            white=self.white,
            naming=Naming(self.prefix, self.suffix, self.aliases),
        )
        check_masks(pairs, self.title)
        check_turns(pairs, self.title)
        return pairs

    def listing(self, data_root: str | Path) -> Listing:
        """The contents of its two folders, without refusing anything.

        Raises:
            FileNotFoundError: the set is missing, or a folder contains no pictures.
            ValueError: neither `root` nor `images` and `masks` are given.
        """
        images, masks = self.folders(data_root)
        naming = Naming(self.prefix, self.suffix, self.aliases)
        listing = list_pairs(images, masks, self.title, self.mask_threshold, naming)
        white, turn = self.white, self.exif == "apply"
        if white is None:
            with suppress(ValueError):  # reported with the pair
                deep = deep_files([pair.mask for pair in listing.pairs])
                white = common_white(deep, f"masks of {self.title}")
        pairs = [pair._replace(white=white, turn=turn) for pair in listing.pairs]
        return listing._replace(pairs=pairs)

    def folders(
        self, data_root: str | Path, pictures: bool = True
    ) -> tuple[str | Path | None, str | Path]:
        """The folder of pictures and the folder of masks.

        Raises:
            FileNotFoundError, ValueError: as `pairs`.
        """
        if self.images is not None and self.images.endswith(".tar"):
            return unpacked(self.images)
        if self.masks is not None and (self.images is not None or not pictures):
            images, masks = self.images and fetch(any_path(self.images)), any_path(self.masks)
            if images and are_polygons(masks):
                return images, drawn_masks(masks, Path(images))
            return images, fetch(masks)
        if self.root is None:
            raise ValueError(f"{self.title}: images=DIR and masks=DIR are needed")
        try:
            return find_folders(data_root, self.root, self.layouts)
        except FileNotFoundError as error:
            remedy = f"; its home page: {self.home}" if self.home else ""
            raise FileNotFoundError(f"{error}{remedy}") from None


def find_set(name: str) -> PairSet:
    """The set of `dataset=NAME`, from `configs/dataset/NAME.yaml`.

    Raises:
        ValueError: there is no such set, or the name is a list of sets.
    """
    file = config_folder() / "dataset" / f"{name}.yaml"
    known = sorted(path.stem for path in file.parent.glob("*.yaml"))
    described = yaml.safe_load(file.read_text()) if name in known else {}
    if "_target_" not in described or name == "folder":
        raise ValueError(f"no set {name!r:.80}; {did_you_mean(name, known)}see configs/dataset")
    module, _, kind = described.pop("_target_").rpartition(".")
    described = {
        k: v for k, v in described.items() if "${" not in str(v)
    }  # what a command fills in
    described["layouts"] = [tuple(layout) for layout in described.get("layouts", [])]
    found: PairSet = getattr(import_module(module), kind)(**described)
    return found
