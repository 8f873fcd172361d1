"""Draw rows of picture | truth | map, a column for each method."""

from __future__ import annotations

from typing import Any

from salient.cli.build import build_sets
from salient.cli.main import run
from salient.config import Count, Word
from salient.data.encoding import encode_png
from salient.data.pairs import find_maps
from salient.files import write_whole
from salient.scoring.drawing import strip as draw_strip


def strip(
    predictions: str | dict[str, str] | None,
    output: str,
    every: Count,
    rows: Count,
    data_root: str,
    name: Word,
    images: str | None,
    masks: str | None,
    strict: bool,
    dataset: dict[str, Any] | None = None,
) -> None:
    """Write the strip of each N-th pair of the sets.

    Raises:
        ValueError: no set, no predictions, or numbers below 1. And as `PairSet.pairs`.
        FileNotFoundError: a set or a map is missing.
    """
    if not dataset or not predictions:
        raise ValueError(
            "dataset and predictions: missing; salient strip dataset=sod predictions=DIR"
        )
    if every < 1 or rows < 1:
        raise ValueError(f"every and rows must be at least 1, got {every} and {rows}")
    folders = list(predictions.values()) if isinstance(predictions, dict) else [predictions]
    drawn = []
    for pair_set in build_sets(dataset):
        pairs = pair_set.pairs(data_root, strict)[::every]
        maps = [find_maps(folder, pairs, pair_set.title) for folder in folders]
        drawn += list(zip(pairs, zip(*maps)))
    write_whole(output, encode_png(draw_strip(drawn[:rows])))
    print(f"{output}: {len(drawn[:rows])} rows of picture | truth | maps")


if __name__ == "__main__":
    run("strip")
