"""The predicted IoU: its features, its fit, whose weights it is for, and whether it holds."""

from __future__ import annotations

import json
import pickle

import cv2
import numpy as np
import pytest

from recipes.fit_iou import cross_validated, fit, logistic
from salient.arrays import Probabilities
from salient.detection.by_onnx import OnnxEngine
from salient.detection.detector import Detector
from salient.detection.quality import ENDING, FEATURES, IouFit, features, find_fit, iou
from salient.scoring.reliability import (
    bad_maps,
    calibration_error,
    curves_of,
    reliability,
    risk_over_coverage,
)
from salient.weights.find import BOX
from tests.fixtures.engines import Counting
from tests.fixtures.photos import draw_disc

FIT = IouFit(-1, dict(zip(FEATURES, (1.0, 0.5, -0.5, -1.0))))


def found(blur):
    disc = cv2.circle(np.zeros((64, 64), np.float32), (32, 32), 16, 1.0, -1)
    soft = cv2.GaussianBlur(disc, (0, 0), blur)
    edge = cv2.morphologyEx(disc, cv2.MORPH_GRADIENT, np.ones((3, 3)))
    return Probabilities(soft, cv2.resize(edge, (16, 16), interpolation=cv2.INTER_AREA))


def test_features_are_what_they_say():
    sharp, soft = features(found(0.5)), features(found(6))
    assert sharp[0] > soft[0] and sharp[3] == soft[3] == 0
    assert sharp[2] == pytest.approx(np.sqrt(np.pi * 16**2) / 64, rel=0.02)
    assert sharp[1] > 0.3 and features(found(0.5)._replace(edge=None))[1] == 0
    half = np.full((4, 4), 0.25, np.float32)
    half[0] = 0.75  # M is 4 pixels of p = .75, outside are 12 of .25: (4 * .75) / (4 + 12 * .25)
    expected, _, size, border = features(Probabilities(half))
    assert expected == pytest.approx(np.log(3 / 4)) and size == 0.5 and border == 6 / 16
    assert features(Probabilities(np.zeros((4, 4), np.float32)))[1:] == (0, 0, 0)
    assert FIT.predict(found(0.5)) > FIT.predict(found(6))


def test_iou_is_of_the_map_at_half():
    saliency, mask = (
        np.array([[127, 128, 255, 0]], np.uint8),
        np.array([[0, 128, 129, 255]], np.uint8),
    )
    assert iou(saliency, mask) == 1 / 3
    assert iou(mask * 0, mask * 0) == 1 and iou(mask * 0, mask) == 0


def test_the_fit_finds_what_made_the_shares():
    rng = np.random.default_rng(0)
    values, true = rng.normal(size=(4000, 4)), np.array([0.5, 1, -0.7, 0.3, 0])
    ious = logistic(values, true)
    np.testing.assert_allclose(fit(values, ious), true, atol=0.02)
    assert np.abs(cross_validated(values, ious) - ious).max() < 0.01


def test_a_fit_counts_for_its_own_weights_alone(tmp_path):
    file = tmp_path / "a.safetensors"
    assert find_fit(file, lambda: "1") is None
    made = IouFit(FIT.constant, FIT.weights, ("1", "2"), 9, 0.01)
    (tmp_path / f"a{ENDING}").write_text(made.to_json())
    assert find_fit(file, lambda: "2") == made and find_fit(file, lambda: "3") is None
    for bad in ("[]", "{}", "nothing", json.dumps({"crc32": [], "weights": {}})):
        (tmp_path / f"a{ENDING}").write_text(bad)
        with pytest.raises(ValueError, match=r"a.iou.json: not written by recipes.fit_iou"):
            find_fit(file, lambda: "1")


@pytest.mark.parametrize("name", ["best", "fast"])
def test_the_bundled_fits_are_of_the_bundled_weights(name):
    """After new weights: python -m recipes.fit_iou best fast."""
    fit = OnnxEngine(BOX / f"{name}.onnx", BOX / f"{name}.safetensors").quality
    assert fit is not None and fit.pairs == 540 and fit.error < 0.02


def test_a_result_predicts_its_iou_unless_it_is_stretched():
    engine = Counting()
    engine.quality = FIT
    result = Detector(engine)(draw_disc())
    assert result.predicted_iou == pytest.approx(FIT.predict(result.found))
    assert pickle.loads(pickle.dumps(result)).predicted_iou == result.predicted_iou
    assert Detector(engine, normalize=True)(draw_disc()).predicted_iou is None
    assert Detector(Counting())(draw_disc()).predicted_iou is None


def test_figures_of_reliability_by_hand():
    predicted, ious = np.array([0.95, 0.91, 0.45, 0.41]), np.array([0.9, 0.8, 0.6, 0.2])
    bins = reliability(predicted, ious)
    assert [bin.maps for bin in bins] == [2, 2]
    assert (bins[0].predicted, bins[0].iou) == (pytest.approx(0.43), pytest.approx(0.4))
    assert calibration_error(predicted, ious) == pytest.approx((0.03 + 0.08) / 2)
    np.testing.assert_allclose(risk_over_coverage(predicted, ious), [0.1, 0.15, 0.7 / 3, 0.375])
    assert bad_maps(predicted, ious) == (0.25, 1, 1)  # the least confident is the bad one
    drawn = curves_of(predicted, ious)
    assert drawn["points"][0] == (43, 60, 4) and drawn["risk"].endswith("100.0,62.5")
