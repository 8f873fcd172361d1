"""Polygons of COCO and YOLO and shards of WebDataset give the pairs of plain folders."""

from __future__ import annotations

import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from salient.data.masks import read_truth
from salient.data.sets import PairSet

MASK = np.zeros((20, 40), np.uint8)
MASK[4:13, 8:25] = 255
CORNERS = [8, 4, 24, 4, 24, 12, 8, 12]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.stack([MASK + 40] * 3, 2)).save(tmp_path / f"images/{name}.jpg")
    return tmp_path


def truths(folder, **described):
    pairs = PairSet("drawn", **described).pairs(folder)
    return {pair.name: read_truth(pair) for pair in pairs}


def test_coco_polygons_and_runs_are_masks(folder):
    sizes = [
        {"id": k, "file_name": f"{name}.jpg", "height": 20, "width": 40}
        for k, name in enumerate("ab")
    ]
    counts = [int(n) for n in np.diff(np.flatnonzero(np.diff(MASK.T.ravel() > 0, prepend=0)))]
    first = int(np.flatnonzero(MASK.T.ravel())[0])
    runs = [first, *counts]
    runs.append(MASK.size - sum(runs))
    said = {
        "images": sizes,
        "annotations": [
            {"image_id": 0, "segmentation": [CORNERS]},
            {"image_id": 1, "segmentation": {"counts": runs, "size": [20, 40]}},
        ],
    }
    (folder / "a.json").write_text(json.dumps(said))
    images, masks = str(folder / "images"), str(folder / "a.json")
    for mask in truths(folder, images=images, masks=masks).values():
        assert np.array_equal(mask, MASK)
    said["annotations"][1]["segmentation"]["counts"] = "abc"
    (folder / "b.json").write_text(json.dumps(said))
    with pytest.raises(ValueError, match=r"b\.json: compressed RLE is not supported"):
        truths(folder, images=images, masks=str(folder / "b.json"))


def test_yolo_labels_are_masks(folder):
    (folder / "labels").mkdir()
    numbers = (np.reshape(CORNERS, (-1, 2)) / (40, 20)).ravel()
    (folder / "labels/a.txt").write_text(f"0 {' '.join(map(str, numbers))}\n")
    described = dict(images=str(folder / "images"), masks=str(folder / "labels"))
    with pytest.warns(UserWarning, match="1 are empty above 128: b"):
        found = truths(folder, **described)
    assert np.array_equal(found["a"], MASK) and not found["b"].any()


def test_yolo_boxes_are_refused(folder):
    (folder / "boxes").mkdir()
    (folder / "boxes/a.txt").write_text("0 .5 .5 .1 .1\n")
    with pytest.raises(ValueError, match=r"a\.txt: not a polygon: 0 \.5"):
        truths(folder, images=str(folder / "images"), masks=str(folder / "boxes"))


def test_shards_are_folders(folder):
    Image.fromarray(MASK).save(folder / "m.png")
    for shard, name in enumerate("ab"):
        with tarfile.open(folder / f"s-{shard}.tar", "w") as archive:
            archive.add(folder / f"images/{name}.jpg", f"{name}.jpg")
            archive.add(folder / "m.png", f"{name}.mask.png")
    found = truths(folder, images=str(folder / "s-*.tar"))
    assert list(found) == ["a", "b"] and np.array_equal(found["b"], MASK)
    (folder / "bad.tar").write_text("nothing")
    with pytest.raises(ValueError, match=r"bad\.tar: not a shard"):
        truths(folder, images=str(folder / "bad.tar"))
