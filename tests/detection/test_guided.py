"""The guided filter: what it computes, and that maps follow their pictures' edges by it."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest
from PIL import Image

from salient import Detector
from salient.data.transforms import to_map
from salient.detection.guided import EPSILON, linear_functions, snap_to_edges
from tests.fixtures.photos import draw_disc


def test_each_window_is_a_least_squares_fit():
    """Equations 14 and 15 are ridge regression on the colours: solved here as such."""
    rng = np.random.default_rng(0)
    guide, target = rng.random((7, 9, 3), np.float32), rng.random((7, 9), np.float32)
    found = linear_functions(guide, target, [7, 9])  # windows larger than the picture
    reflected = [
        np.pad(x, ((7, 7), (9, 9), (0, 0)), "symmetric") for x in (guide, target[..., None])
    ]
    fits = []
    for top in range(7):
        for left in range(9):
            x, y = (one[top : top + 15, left : left + 19] for one in reflected)
            x, y = x.reshape(-1, 3).astype(float), y.ravel().astype(float)
            centred = x - x.mean(0)
            ridge = centred.T @ centred / len(x) + EPSILON * np.eye(3)
            slope = np.linalg.solve(ridge, centred.T @ (y - y.mean()) / len(y))
            fits.append([*slope, y.mean() - slope @ x.mean(0)])
    functions = np.reshape(fits, (7, 9, 4))
    padded = np.pad(functions, ((7, 7), (9, 9), (0, 0)), "symmetric")
    for k in range(4):
        wanted = cv2.blur(padded[..., k], (19, 15))[7:-7, 9:-9]
        np.testing.assert_allclose(found[k], wanted, atol=1e-3)


@pytest.mark.parametrize("times", [1, 6])
def test_the_border_moves_to_the_edges_of_the_picture(times):
    """A blurred and shifted map of a disc, of a network of 64 pixels."""
    picture = draw_disc(96 * times, 128 * times)
    truth = picture[..., 0] > 155
    moved = np.roll(truth.astype(np.float32), 2 * times, axis=1)
    small = cv2.GaussianBlur(cv2.resize(moved, (64, 64), interpolation=cv2.INTER_AREA), (0, 0), 1.5)
    plain, guided = to_map(small, truth.shape), snap_to_edges(small, picture)
    assert guided.shape == truth.shape and guided.dtype == np.uint8
    wrong = [((one > 127) != truth).sum() for one in (plain, guided)]
    assert wrong[1] < 0.5 * wrong[0]


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (50, 3)])
def test_a_constant_map_stays_and_any_size_is_taken(shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for level in (0, 0.5, 1):
        found = snap_to_edges(np.full((32, 32), level, np.float32), noise)
        assert found.shape == shape
        assert np.abs(found.astype(int) - round(255 * level)).max() <= 1


def test_a_detector_refines_when_it_is_asked_to(tmp_path):
    picture = draw_disc(300, 400)
    plain = Detector.load("fast", "cpu")(picture)
    detector = Detector.load("fast", "cpu", refine="guided")
    Image.fromarray(picture).save(tmp_path / "a.png")
    result = detector(picture)
    wanted = snap_to_edges(plain.found.saliency, picture)
    assert (wanted != plain).any()
    for found in (result, detector(str(tmp_path / "a.png")), pickle.loads(pickle.dumps(result))):
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_allclose(found.probability, wanted / 255, atol=1e-6)
    np.testing.assert_array_equal(result.edge, plain.edge)
    with pytest.raises(ValueError, match="refine: 'closed' is not valid; use guided or null"):
        Detector.load("fast", "cpu", refine="closed")


def test_the_command_refines(call, tmp_path):
    Image.fromarray(draw_disc(300, 400)).save(tmp_path / "a.png")
    for refine in ("null", "guided"):
        call(
            tmp_path,
            "predict",
            "a.png",
            "checkpoint=fast",
            f"output={refine}.png",
            f"refine={refine}",
        )
    maps = [np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("null", "guided")]
    np.testing.assert_array_equal(
        maps[1], Detector.load("fast", "cpu", refine="guided")(tmp_path / "a.png")
    )
    assert (maps[0] != maps[1]).any()
