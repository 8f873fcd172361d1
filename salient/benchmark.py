"""Test sets: where each lies, what it must hold, and what was published on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from salient.data.pairs import Pair, find_folders, find_pairs
from salient.data.sample import write_sample


@dataclass(frozen=True)
class TestSet:
    """One benchmark: where it lies, how many pairs it has, and what was published on it.

    Args:
        title: its name in tables.
        root: its folder under the data root.
        layouts: published (pictures, masks) folders under the data root.
        images, masks: the two folders themselves, instead.
        expected: how many pairs there should be.
        differing_sizes: names whose mask is known to have another size than its picture.
        home: the page of its publishers.
        published: figures of ModelScope's damo/cv_res2net_salient-detection.
        draw: draw the embedded sample set there first.
    """

    __test__ = False  # for pytest, which would collect it

    title: str
    root: str | None = None
    layouts: list[tuple[str, str]] = field(default_factory=list)
    images: str | None = None
    masks: str | None = None
    expected: int | None = None
    differing_sizes: list[str] = field(default_factory=list)
    home: str | None = None
    published: dict[str, float] = field(default_factory=dict)
    draw: bool = False

    def pairs(
        self, data_root: str | Path, strict: bool = True, pictures: bool = True
    ) -> list[Pair]:
        """Its pairs, checked.

        Without `pictures`, as for the scoring of saved maps, `masks` alone will do; a pair's
        `image` is then its mask.

        Raises:
            FileNotFoundError: it is not there; says where it was looked for and its home page.
            ValueError: pictures and masks do not match (see `find_pairs`).
        """
        if self.draw and self.root is not None:
            write_sample(Path(data_root) / Path(self.root).parent)
        images: str | Path | None = self.images
        masks: str | Path | None = self.masks
        if self.root is None and (masks is None or (images is None and pictures)):
            raise ValueError(f"{self.title}: images=DIR and masks=DIR are needed")
        if masks is None or (images is None and pictures):
            try:
                images, masks = find_folders(data_root, str(self.root), self.layouts)
            except FileNotFoundError as error:
                raise FileNotFoundError(f"{error}; its home page: {self.home}") from None
        return find_pairs(
            images,
            masks,
            title=self.title,
            expected=self.expected,
            strict=strict,
            differing_sizes=self.differing_sizes,
        )
