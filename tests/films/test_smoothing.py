"""Smoothing in time: less flicker where the picture stands still, no ghost where it moves."""

from __future__ import annotations

import numpy as np
import pytest

from salient.films.smoothing import Smoother, shrink, stillness
from tests.fixtures.films import noisy, scene


def disc_of(frame):
    """The map that a perfect network gives: 255 on the disc of `scene`."""
    return np.where(frame[..., 0] > 150, 255, 0).astype(np.uint8)


def test_flicker_falls_where_the_picture_stands_still():
    rng = np.random.default_rng(1)
    still = scene(1, (240, 320)) * 60
    smoother, none = Smoother(0.8), Smoother()
    for frame in noisy(still):
        wavering = np.clip(disc_of(still[0]) + rng.normal(0, 1) * 12, 0, 255).astype(np.uint8)
        smoother(frame, wavering)
        (same,) = none(frame, wavering)
        np.testing.assert_array_equal(same, wavering)
    assert none.raw.levels == none.smoothed.levels == smoother.raw.levels > 3
    assert smoother.smoothed.levels < 0.35 * smoother.raw.levels
    assert "without smoothing" in smoother.report() and "without" not in none.report()


def test_flicker_is_the_mean_change():
    frame = scene(1)[0]
    smoother = Smoother()
    for level in (10, 20, 14, 14):
        smoother(frame, np.full(frame.shape[:2], level, np.uint8))
    assert smoother.raw.levels == pytest.approx((10 + 6 + 0) / 3)


@pytest.mark.parametrize("step", [2, 4, 16])
def test_what_moves_leaves_no_ghost(step):
    """The disc's map is dragged nowhere: not behind the disc, not in front of it."""
    smoother = Smoother(0.9)
    plain = [np.zeros((96, 128), np.float32)] * 2  # an average that does not look at the picture
    worst = worst_plain = 0.0
    for frame in noisy(scene(24, (96, 128), step), 3):
        truth = disc_of(frame)
        (smoothed,) = smoother(frame, truth)
        plain[0] = truth + 0.9 * (plain[0] - truth)
        outside = truth == 0
        worst = max(worst, float(smoothed[outside].max()), float(255 - smoothed[~outside].min()))
        worst_plain = max(worst_plain, float(plain[0][outside].max()))
    assert worst < 0.12 * 255 < worst_plain


def test_a_cut_starts_anew():
    smoother = Smoother(0.9)
    smoother(np.zeros((60, 80, 3), np.uint8), np.full((60, 80), 255, np.uint8))
    (after,) = smoother(np.full((60, 80, 3), 200, np.uint8), np.zeros((60, 80), np.uint8))
    assert not after.any()
    assert smoother.raw.levels is None and "changes everywhere" in smoother.report()


def test_stillness_of_frames_of_any_shape():
    for size in ((1, 1), (1, 500), (700, 3), (1080, 1920)):
        frame = np.zeros((*size, 3), np.uint8)
        still = stillness(shrink(frame), shrink(frame))
        assert max(still.shape) <= 160 and (still == 1).all()
        saliency = np.zeros(size, np.uint8)
        smoother = Smoother(0.5)
        assert [one.shape for one in smoother(frame, saliency, saliency)] == [size, size]
        assert [one.shape for one in smoother(frame, saliency, saliency)] == [size, size]


@pytest.mark.parametrize("smooth", [-0.1, 1, 1.5])
def test_bounds(smooth):
    with pytest.raises(ValueError, match="smooth must be from 0 to below 1"):
        Smoother(smooth)
