"""Video sets: nested folders of each layout, figures by sequence and their mean."""

from __future__ import annotations

import csv
import json

import numpy as np
import openpyxl
import pytest
from PIL import Image

from salient.data.pairs import find_maps, find_pairs
from salient.data.sets import PairSet, find_set

SIZES = {"bear": 3, "camel": 1}  # frames
LAYOUTS = {
    "davis16": ("DAVIS/JPEGImages/480p/{}", "DAVIS/Annotations/480p/{}"),
    "davsod": ("DAVSOD/{}/Imgs", "DAVSOD/{}/GT"),
    "segtrack_v2": ("SegTrack-V2/JPEGImages/{}", "SegTrack-V2/GroundTruth/{}"),
}


def draw(folder, layout, maps=None):
    """Frames and masks of every sequence; maps whose error grows by sequence."""
    for index, (sequence, count) in enumerate(SIZES.items()):
        for k in range(count):
            mask = np.zeros((20, 30), np.uint8)
            mask[4:14, 5 + k : 20] = 255
            saliency = np.roll(mask, 3 * index + 1, axis=1)
            places = [(part.format(sequence), mask) for part in layout]
            for place, drawn in [*places, *([(f"{maps}/{sequence}", saliency)] if maps else [])]:
                (folder / place).mkdir(parents=True, exist_ok=True)
                Image.fromarray(drawn).save(folder / place / f"{k:05d}.png")


@pytest.mark.parametrize("name", LAYOUTS)
def test_frames_are_found_in_the_layouts_of_their_publishers(tmp_path, name):
    draw(tmp_path, LAYOUTS[name], "maps")
    pairs = find_set(name).pairs(tmp_path)
    assert [pair.name for pair in pairs] == [
        *("bear/00000", "bear/00001", "bear/00002", "camel/00000")
    ]
    assert all(pair.image.is_file() and pair.mask.is_file() for pair in pairs)
    maps = find_maps(tmp_path / "maps", pairs, "video")
    assert [file.parent.name for file in maps] == ["bear"] * 3 + ["camel"]


def test_each_sequence_has_the_same_weight_in_their_mean(call, tmp_path):
    draw(tmp_path, ("frames/{}", "truth/{}"), "maps")
    folder = ("dataset=folder", "images=frames/*", "masks=truth/*", "title=film")
    done = call(
        tmp_path,
        "eval",
        *folder,
        "predictions=maps",
        "output=out",
        "report_pictures=4",
        "formats=xlsx,svg,pdf",
    )
    book = openpyxl.load_workbook(tmp_path / "out/tables.xlsx")
    assert [sheet.max_row for sheet in book] == [2, 5] and book["images"][
        "C2"
    ].value == "bear/00000"
    assert (tmp_path / "out/curves.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in (tmp_path / "out/curves.svg").read_bytes()
    with (tmp_path / "out/sequences.csv").open() as file:
        bear, camel, mean = csv.DictReader(file)
    assert (bear["sequence"], bear["pairs"], camel["pairs"], mean["pairs"]) == (
        "bear",
        "3",
        "1",
        "4",
    )
    assert mean["sequence"] == "mean over sequences" and "mean over sequences" in done.stdout
    figures = {
        one: float(bear[one]) / 2 + float(camel[one]) / 2 for one in ("mae", "sm", "weighted_f")
    }
    assert {one: float(mean[one]) for one in figures} == pytest.approx(figures, abs=1e-12)
    (row,) = json.loads((tmp_path / "out/results.json").read_text())["rows"]
    assert row["mae"] == pytest.approx(0.75 * float(bear["mae"]) + 0.25 * float(camel["mae"]))


def test_masks_may_have_a_prefix_a_suffix_or_another_name(tmp_path):
    for name in (
        "images/a",
        "images/b",
        "masks/m_a_mask",
        "masks/other",
        "maps/m_a_mask",
        "maps/b",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        disc = np.zeros((9, 9), np.uint8)
        disc[2:6, 3:7] = 255
        Image.fromarray(disc).save(tmp_path / f"{name}.png")
    named = dict(prefix="m_", suffix="_mask", aliases={"b": "other"})
    folders = dict(images=str(tmp_path / "images"), masks=str(tmp_path / "masks"))
    pairs = PairSet("named", **folders, **named).pairs(tmp_path)
    assert [(pair.name, pair.mask.stem) for pair in pairs] == [("a", "m_a_mask"), ("b", "other")]
    masks_only = PairSet("named", masks=folders["masks"], **named).pairs(tmp_path, pictures=False)
    assert [pair.name for pair in masks_only] == ["a", "b"]
    maps = find_maps(tmp_path / "maps", pairs, "named")
    assert [file.stem for file in maps] == ["m_a_mask", "b"]
    with pytest.raises(ValueError, match="pictures without a mask"):
        find_pairs(folders["images"], folders["masks"])
