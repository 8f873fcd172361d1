"""Check a bundle of scores, also against its maps and masks; merge several bundles.

salient verify scores.bundle                                     its checksum and its means
salient verify scores.bundle dataset=ecssd                       also its masks
salient verify scores.bundle dataset=ecssd predictions=DIR       also its maps and every figure
salient verify ours.bundle theirs.bundle output=DIR              one leaderboard, paired intervals
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from salient.cli.build import build_sets
from salient.cli.main import run
from salient.config import AnyPath, Word
from salient.files import check_writable, write_whole
from salient.scoring.bundles.merge import differences_table, merge, rows_of
from salient.scoring.bundles.store import Bundle, read_bundle
from salient.scoring.bundles.verify import differing
from salient.scoring.leaderboard import leaderboard, markdown, save_leaderboard
from salient.scoring.tables import Row, save


def verify(
    bundles: list[str] | None = None,
    predictions: AnyPath | dict[str, str] | None = None,
    data_root: AnyPath = "data",
    title: Word = "folder",
    images: AnyPath | None = None,
    masks: AnyPath | None = None,
    strict: bool = True,
    output: AnyPath | None = None,
    dataset: dict[str, Any] | None = None,
) -> list[Row]:
    """Check bundles and print their leaderboard; returns their rows. Fails if a bundle is wrong.

    Args:
        bundles: files from `salient eval bundle=FILE`.
        predictions: a folder of maps, if there is only one method, or {method: folder, ...}.
        data_root: the folder with the data sets.
        title: the name of dataset=folder.
        images, masks: for dataset=folder, the folders of pictures and of masks.
        strict: false turns a wrong number of pairs into a warning.
        output: a folder for the tables.
        dataset: the sets with the masks to compare.

    Raises:
        ValueError: a file is not a bundle or was altered, or two bundles cannot be merged.
        FileNotFoundError: a bundle, a set or a map is missing.
    """
    if not bundles:
        raise ValueError("bundles: missing; salient verify FILE")
    if output is not None:
        check_writable(output)
    read = [read_bundle(path) for path in bundles]
    scored = merge(read)
    problems = []
    for pair_set in build_sets(dataset or {}):
        pairs = pair_set.pairs(data_root, strict, pictures=False)
        for bundle in read:
            folders = _folders(bundle, predictions)
            problems += list(differing(bundle, pair_set.title, pairs, folders))
    if problems:
        sys.exit("\n".join(problems))
    for bundle in read:
        print(f"{bundle.path}: {_checked(dataset, predictions)}")
    rows, first = rows_of(scored), read[0]
    board = markdown(*leaderboard(rows, first.choice.shown))
    intervals = differences_table(scored, first) if len(rows) > 1 else ""
    note = first.conventions.in_words()
    print(f"\n{board}\n\n{intervals}\n\n{note}")
    if output is not None:
        save(rows, [], output, {"bundles": bundles}, note, first.choice.shown)
        save_leaderboard(rows, Path(output), note, first.choice.shown)
        write_whole(Path(output) / "differences.md", f"{intervals}\n")
        print(f"saved in {output}")
    return rows


def _folders(bundle: Bundle, predictions: str | dict[str, str] | None) -> dict[str, str]:
    """Folders of saved maps by method; a plain folder belongs to the only method."""
    if not isinstance(predictions, str):
        return predictions or {}
    methods = sorted({scored.row.method for scored in bundle.scored})
    if len(methods) > 1:
        raise ValueError(
            f"predictions: whose maps are these? Write {{METHOD: DIR}} with {', '.join(methods)}"
        )
    return {methods[0]: predictions}


def _checked(dataset: Any, predictions: Any) -> str:
    """What was checked, in words."""
    if not dataset:
        return "whole, and its means follow from its pictures"
    return f"whole; its masks{' and its maps' if predictions else ''} are those at hand"


if __name__ == "__main__":
    run("verify")
