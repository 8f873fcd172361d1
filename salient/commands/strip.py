"""Draw rows of picture | truth | map, a column for each method, as one PNG.

salient strip dataset=ecssd predictions=results/maps every=80
salient strip dataset=sod "predictions={DSS: DIR1, ours: DIR2}" output=side.png
"""

from __future__ import annotations

from typing import Any

from salient.cli.build import build_sets
from salient.cli.main import run
from salient.config import AnyPath, Count, Word
from salient.data.encoding import encode_png
from salient.data.pairs import find_maps
from salient.files import write_whole
from salient.scoring.drawing import strip as draw_strip


def strip(
    predictions: AnyPath | dict[str, str] | None = None,
    output: AnyPath = "strip.png",
    every: Count = 1,
    rows: Count = 12,
    data_root: AnyPath = "data",
    title: Word = "folder",
    images: AnyPath | None = None,
    masks: AnyPath | None = None,
    strict: bool = True,
    dataset: dict[str, Any] | None = None,
) -> None:
    """Write a picture with a row for every N-th pair of the sets.

    Args:
        predictions: a folder of saved maps, or {method: folder, ...}.
        output: the picture to write.
        every: show every N-th pair.
        rows: show at most this many pairs.
        data_root: the folder with the data sets.
        title: the name of dataset=folder in tables.
        images, masks: for dataset=folder, the folders of pictures and of masks.
        strict: false turns a wrong number of pairs into a warning.
        dataset: the sets.

    Raises:
        ValueError: no set, no predictions. And as `PairSet.pairs`.
        FileNotFoundError: a set or a map is missing.
    """
    if not dataset or not predictions:
        raise ValueError(
            "dataset and predictions: missing; salient strip dataset=sod predictions=DIR"
        )
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
