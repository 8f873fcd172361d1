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
from salient.data.sets import find_set
from salient.metrics import choose
from salient.scale.ray import _Score, means
from salient.scale.rows import RowDetector, pair_rows, pairs_of
from salient.scoring.score import score_predictions, summarise
from salient.scoring.sources import from_network


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


def test_a_worker_of_ray_scores_as_one_process(sample_root):
    """Without Ray: what an actor makes of batches, and the exact sums of their rows."""
    pairs = find_set("sample").pairs(sample_root)[:3]
    options = {"checkpoint": "fast", "device": "cpu", "engine": "onnx"}
    rows, batches = pair_rows(pairs), []
    for part in (rows[:2], rows[2:]):
        actor = _Score(dict(options), True, choose(None))
        batches.append(actor({key: np.array([row[key] for row in part]) for key in part[0]}))

    class Rows:
        def select_columns(self, _):
            return self

        def iter_rows(self):
            return ({"sums": sums} for batch in batches for sums in batch["sums"])

    engine = Detector.load("fast", "cpu", engine="onnx").engine
    expected, lines = summarise("", "", score_predictions(from_network(engine, pairs)), {})
    assert means(Rows()) == expected.figures
    assert [x for batch in batches for x in batch["mae"]] == [line["mae"] for line in lines]
