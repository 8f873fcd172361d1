"""Scoring saved maps: decoding, sizes, order, errors."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.pysodmetrics import draw_pair
from salient.data.images import read_mask
from salient.data.pairs import Pair
from salient.data.transforms import fit_map
from salient.metrics import score_pair
from salient.scoring.score import score_predictions
from salient.scoring.sources import from_files


def score_files(files, **options):
    """Score (prediction, mask) files, each pair named after its prediction."""
    pairs = [Pair(prediction.stem, mask, mask) for prediction, mask in files]
    return score_predictions(from_files([p for p, _ in files], pairs), **options)


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    files = []
    for k in range(12):
        files.append((tmp_path / f"p{k}.png", tmp_path / f"m{k}.png"))
        for path, image in zip(files[-1], draw_pair(rng, (30 + k, 40))):
            Image.fromarray(image).save(path)
    return files


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_files_come_in_order_with_the_scores_of_their_arrays(pairs, workers):
    results = list(score_files(pairs, workers=workers))
    assert [name for name, _ in results] == [prediction.stem for prediction, _ in pairs]
    for (prediction, mask), (_, scores) in zip(pairs, results):
        expected = score_pair(read_mask(prediction), read_mask(mask))
        assert not scores.resized
        assert scores.figures == expected.figures
        for curve, other in zip(scores.curves.values(), expected.curves.values()):
            assert np.array_equal(curve, other)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_masks_of_every_mode_read_as_pillow_makes_them_grey(tmp_path, mode):
    noise = np.random.default_rng(1).integers(0, 256, (21, 34), dtype=np.uint8)
    path = tmp_path / "mask.png"
    Image.fromarray(noise).convert(mode).save(path)
    with Image.open(path) as image:
        assert np.array_equal(read_mask(path), np.asarray(image.convert("L")))


def test_sixteen_bits_give_their_upper_eight(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.array([[0, 256, 32900, 65535]], np.uint16)).save(path)
    assert read_mask(path).tolist() == [[0, 1, 128, 255]]


def test_a_prediction_of_another_size_is_resized_and_reported(pairs):
    prediction, mask = pairs[0]
    with Image.open(prediction) as image:
        image.resize((20, 15)).save(prediction)
    ((_, scores),) = score_files([(prediction, mask)])
    assert scores.resized
    expected = score_pair(fit_map(read_mask(prediction), (30, 40)), read_mask(mask))
    assert scores.figures == expected.figures


def test_resizing_is_bilinear_and_rounds():
    grey = np.array([[0, 255]], np.uint8)
    assert fit_map(grey, (1, 4)).tolist() == [[0, 64, 191, 255]]  # 0, 63.75, 191.25, 255


def test_an_unreadable_file_is_named(pairs, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(pairs[0][0].read_bytes()[:100])
    with pytest.raises(ValueError, match=r"broken\.png: not a readable"):
        list(score_files([(broken, pairs[0][1])]))
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        list(score_files([(tmp_path / "absent.png", pairs[0][1])]))
    with pytest.raises(ValueError, match="workers is 0"):
        list(score_files(pairs, workers=0))
