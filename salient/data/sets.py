"""A set: pairs with a name. One description, to train on and to score on."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import yaml

from salient.config import did_you_mean
from salient.data.masks import check_masks
from salient.data.pairs import Pair, find_folders, find_pairs
from salient.data.transforms import MASK_THRESHOLD
from salient.distribution import config_folder


@dataclass(frozen=True)
class PairSet:
    """Where a set lies, how many pairs it has, and what was published on it.

    Args:
        title: its name in tables and messages.
        root: its folder under the data root.
        layouts: published (pictures, masks) folders under the data root.
        images, masks: the two folders themselves, instead.
        expected: how many pairs there should be; any number if None.
        differing_sizes: names whose mask is known to have another size than its picture.
        mask_threshold: foreground of its masks is above it, 0..254; 0 for masks of 0 and 1.
        home: the page of its publishers.
        published: headline figures of ModelScope's damo/cv_res2net_salient-detection on it, by key.
    """

    title: str
    root: str | None = None
    layouts: list[tuple[str, str]] = field(default_factory=list)
    images: str | None = None
    masks: str | None = None
    expected: int | None = None
    differing_sizes: list[str] = field(default_factory=list)
    mask_threshold: int = MASK_THRESHOLD
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
        """Its pairs, checked; some of the masks are looked at (see `check_masks`).

        Args:
            data_root: the folder in which data sets lie.
            strict: another number of pairs than expected is an error; else a warning.
            pictures: False where saved maps are scored: `masks` alone will do, and a pair's
                `image` is then its mask.

        Raises:
            FileNotFoundError: it is not there; says where it was looked for and its home page.
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
        )
        check_masks(pairs, self.title)
        return pairs

    def folders(
        self, data_root: str | Path, pictures: bool = True
    ) -> tuple[str | Path | None, str | Path]:
        """Its folder of pictures and its folder of masks.

        Raises:
            FileNotFoundError, ValueError: as `pairs`.
        """
        if self.masks is not None and (self.images is not None or not pictures):
            return self.images, self.masks
        if self.root is None:
            raise ValueError(f"{self.title}: images=DIR and masks=DIR are needed")
        try:
            return find_folders(data_root, self.root, self.layouts)
        except FileNotFoundError as error:
            remedy = f"; its home page: {self.home}" if self.home else ""
            raise FileNotFoundError(f"{error}{remedy}") from None


def find_set(name: str) -> PairSet:
    """The set that `dataset=NAME` means: `configs/dataset/NAME.yaml`.

    Raises:
        ValueError: there is no such set, or the name is that of a list of sets.
    """
    file = config_folder() / "dataset" / f"{name}.yaml"
    known = sorted(path.stem for path in file.parent.glob("*.yaml"))
    described = yaml.safe_load(file.read_text()) if name in known else {}
    if "_target_" not in described or name == "folder":
        raise ValueError(f"no set {name!r:.80}; {did_you_mean(name, known)}see configs/dataset")
    module, _, kind = described.pop("_target_").rpartition(".")
    described["layouts"] = [tuple(layout) for layout in described.get("layouts", [])]
    found: PairSet = getattr(import_module(module), kind)(**described)
    return found
