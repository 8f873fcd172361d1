"""What is white is decided once for a folder of maps or masks of more than 8 bits."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from salient.data.depth import common_white, deep_files
from salient.data.masks import read_truth
from salient.data.pairs import Pair
from salient.data.sets import PairSet
from salient.scoring.sources import from_files


def save(folder, name, values):
    folder.mkdir(exist_ok=True)
    path = folder / name
    Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize(
    ("dtype", "highs", "white"),
    [
        *((np.float32, (0.1, 1.04), 1), (np.float32, (0.5, 240.0), 255)),
        *((np.uint16, (100, 40_000), 65535), (np.uint16, (100, 200), 255)),
    ],
)
def test_the_brightest_of_all_files_decides(tmp_path, dtype, highs, white):
    ramp = np.linspace(0, 1, 64).reshape(8, 8)
    files = [
        save(tmp_path, f"{k}.tif", (ramp * high).astype(dtype)) for k, high in enumerate(highs)
    ]
    files.append(save(tmp_path, "bytes.png", (ramp * 255).astype(np.uint8)))
    assert deep_files(files) == files[:2]
    with pytest.warns(
        UserWarning, match=f"maps: 2 files have more than 8 bits.*{white} counts as white"
    ):
        assert common_white(deep_files(files), "maps") == white


def test_a_dark_map_is_not_stretched_because_it_has_no_bright_pixel(tmp_path):
    """Alone it would be taken for bytes in 16 bits: 200 of 65535 became 200 of 255."""
    mask = save(tmp_path, "mask.png", np.full((4, 4), 255, np.uint8))
    maps = [
        save(tmp_path, f"{k}.png", np.full((4, 4), value, np.uint16))
        for k, value in enumerate((200, 65535))
    ]
    pairs = [Pair(str(k), mask, mask) for k in range(2)]
    with pytest.warns(UserWarning, match="65535 counts as white"):
        found = [one.load()[0].max() for one in from_files(maps, pairs)]
    assert found == [0, 255]
    assert [one.load()[0].max() for one in from_files(maps[:1], pairs[:1], white=255)] == [200]


def test_masks_of_a_set_have_one_white_which_can_be_given(tmp_path):
    for k, high in enumerate((200, 4095)):
        save(tmp_path / "images", f"{k}.png", np.zeros((4, 4, 3), np.uint8))
        save(tmp_path / "masks", f"{k}.png", np.full((4, 4), high, np.uint16))
    folders = dict(images=str(tmp_path / "images"), masks=str(tmp_path / "masks"))
    with pytest.warns(UserWarning):
        pairs = PairSet("Deep", **folders, mask_threshold=10).pairs("")
    assert [read_truth(pair).max() for pair in pairs] == [0, 255]
    with pytest.warns(UserWarning, match="1 are empty above 128: 0"):
        told = PairSet("Deep", **folders, white=4095).pairs("")
    assert [read_truth(pair).max() for pair in told] == [12, 255]
