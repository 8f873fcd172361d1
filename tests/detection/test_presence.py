"""Whether anything stands out: by constructed maps, and by the bundled networks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from salient import Detector
from salient.detection.presence import stands_out
from tests.fixtures.photos import draw_disc

BLANK = np.zeros((60, 80), np.uint8)


def disc(radius=15, level=255, thickness=-1):
    return cv2.circle(BLANK.copy(), (40, 30), radius, level, thickness)


@pytest.mark.parametrize(
    ("saliency", "edge", "answer"),
    [
        (disc(), disc(thickness=5), True),
        (disc(level=127), disc(thickness=5), False),  # nowhere at the level
        (disc(), BLANK, False),  # no boundary
        (disc(), disc(radius=3, thickness=3), False),  # a boundary elsewhere
        (disc(), disc(level=120, thickness=5), False),  # too faint a boundary
        (BLANK, BLANK, False),
        (BLANK + 255, BLANK + 255, False),  # all of it: nothing to stand out from
        (
            cv2.circle(BLANK + 255, (0, 0), 5, 0, -1),
            disc(0, thickness=5) + 255,
            False,
        ),  # nearly all
        (np.full((1, 1), 255, np.uint8), np.full((1, 1), 255, np.uint8), False),
    ],
)
def test_both_maps_have_to_agree_on_an_object(saliency, edge, answer):
    assert stands_out(saliency, edge) is answer


def test_size_does_not_matter():
    maps = [cv2.resize(m, (3000, 2250)) for m in (disc(), disc(thickness=5))]
    assert stands_out(*maps)
    assert not stands_out(maps[0], np.zeros_like(maps[0]))


def plain_pictures():
    across = np.linspace(0, 255, 320)[None, :, None] * np.ones((240, 1, 3))
    rows, columns = np.indices((240, 320))
    rng = np.random.default_rng(0)
    yield from (np.full((240, 320, 3), level, np.uint8) for level in (0, 90, 200, 255))
    yield from (np.full((240, 320, 3), c, np.uint8) for c in ((200, 30, 30), (30, 120, 200)))
    yield across.astype(np.uint8)
    yield ((rows // 16 + columns // 16) % 2 * 200).astype(np.uint8)[..., None].repeat(3, 2)
    yield rng.integers(0, 256, (240, 320, 3)).astype(np.uint8)


@pytest.mark.parametrize("weights", ["best", "fast"])
def test_a_disc_stands_out_and_nothing_does_on_plain_pictures(weights):
    detector = Detector.load(weights, "cpu", "fp32")
    plain = list(plain_pictures())
    assert not any(stands_out(*maps) for maps in detector.detect(plain))
    assert any((detector(picture) >= 128).mean() > 0.5 for picture in plain)  # the map is no judge
    (maps,) = detector.detect([draw_disc()])
    assert stands_out(*maps)
