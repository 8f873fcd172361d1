"""Test sets, rows of figures, and the table that lays them beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from salient.data.pairs import Pair, find_folders, find_pairs
from salient.data.sample import write_sample

FIGURES = {"mae": "MAE", "sm": "Sm", "max_f": "max F", "weighted_f": "weighted F"}


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

    def pairs(self, data_root: str | Path, strict: bool = True) -> list[Pair]:
        """Its pairs, checked.

        Raises:
            FileNotFoundError: it is not there; says where it was looked for and its home page.
            ValueError: pictures and masks do not match (see `find_pairs`).
        """
        if self.draw and self.root is not None:
            write_sample(Path(data_root) / Path(self.root).parent)
        if self.root is None and (self.images is None or self.masks is None):
            raise ValueError(f"{self.title}: images=DIR and masks=DIR are needed")
        if self.images is not None and self.masks is not None:
            images, masks = Path(self.images), Path(self.masks)
        else:
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


@dataclass(frozen=True)
class Row:
    """Figures in [0, 1] of one method on one data set, and the published ones (or none)."""

    dataset: str
    method: str
    pairs: int
    mae: float
    sm: float
    max_f: float
    weighted_f: float
    published: Mapping[str, float] = field(default_factory=dict)


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table, lined up for a terminal: figure, published, difference."""
    header = ["Data set", "Pairs", "Method", *FIGURES.values()]
    lines = [header]
    for row in rows:
        values = asdict(row)
        lines.append(
            [row.dataset, str(row.pairs), row.method] + [f"{values[k]:.4f}" for k in FIGURES]
        )
        if row.published:
            published = [f"{row.published[k]:.3f}" for k in FIGURES]
            lines.append([row.dataset, str(row.pairs), "published", *published])
            differences = [f"{values[k] - row.published[k]:+.4f}" for k in FIGURES]
            lines.append(["", "", "difference", *differences])
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    lines.insert(1, ["-" * width for width in widths])
    texts = [f"{cell:<{width}}" for line in lines for cell, width in zip(line, widths)]
    step = len(header)
    return "\n".join(
        "| " + " | ".join(texts[i : i + step]) + " |" for i in range(0, len(texts), step)
    )


def save(rows: Sequence[Row], folder: str | Path, details: Mapping[str, Any]) -> None:
    """Write `results.json` (the rows and `details`) and `table.md` into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = {"rows": [asdict(row) for row in rows], **details}
    (folder / "results.json").write_text(json.dumps(content, indent=2) + "\n")
    (folder / "table.md").write_text(table(rows) + "\n")
