"""Pictures as rows of bytes, as Ray and Spark hand them to a worker."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from salient import Detector
from salient.data.encoding import encode_png
from salient.data.images import read_image, read_mask
from salient.data.pairs import Pair, read_picture
from salient.scale.rows import RowDetector, pair_rows, pairs_of


def picture(seed):
    content = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_rows_become_what_predict_writes_and_a_damaged_one_says_why():
    contents = [picture(0), b"no picture", picture(1)]
    rows = RowDetector("fast", "cpu", threads=1)
    made = rows(contents, ["a.png", "bad.png", "c.png"])
    detector = Detector.load("fast", "cpu", threads=1)
    for one, content in zip(made[::2], contents[::2]):
        assert one.content == encode_png(detector(content)) and one.row["error"] is None
    assert made[1].content is None and "bad.png" in made[1].row["error"]
    assert [one.row["file"] for one in made] == ["a.png", "bad.png", "c.png"]
    with pytest.raises(ValueError, match="mode: 'nosuch' is not valid"):
        RowDetector("fast", mode="nosuch")


def test_pairs_go_through_rows_as_paths_or_contents(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(picture(0))
    pair = Pair("a", file, file, 0, 4095.0, False)
    (row,) = pair_rows([pair])
    assert pairs_of({key: [value] for key, value in row.items()}) == [pair]
    (other,) = pairs_of({"name": ["a"], "image": [picture(0)], "mask": [picture(0)]})
    assert np.array_equal(read_picture(other), read_image(file))
    assert np.array_equal(read_mask(other.mask), read_mask(file))
