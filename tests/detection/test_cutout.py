"""Cut-outs: no haze, the object's own colours, backgrounds, crops, and bounds that are told."""

from __future__ import annotations

from dataclasses import asdict

import cv2
import numpy as np
import pytest
from PIL import Image

from salient.detection.cutout import Cutout, foreground

RED, GREEN = np.array([200, 30, 30]), np.array([20, 180, 40])


@pytest.fixture
def scene():
    """A red disc with a soft border on green: picture, map, and the true alpha."""
    y, x = np.mgrid[:120, :160]
    disc = ((y - 60) ** 2 + (x - 90) ** 2 < 30**2).astype(np.float32)
    alpha = cv2.GaussianBlur(disc, (0, 0), 3)
    picture = RED * alpha[..., None] + GREEN * (1 - alpha[..., None])
    return np.rint(picture).astype(np.uint8), np.rint(alpha * 255).astype(np.uint8), alpha


def test_the_border_has_the_objects_colour(scene):
    picture, _, alpha = scene
    border = (alpha > 0.1) & (alpha < 0.9)
    weight = alpha[border][:, None]
    before = (weight * np.abs(picture[border] - RED)).mean()
    after = (weight * np.abs(foreground(picture, alpha)[border] - RED)).mean()
    assert before > 20 and after < 0.7 * before


def test_no_haze_and_nothing_of_the_background(scene):
    picture, saliency, alpha = scene
    saliency = np.maximum(saliency, 20)  # haze all over
    made = Cutout()(picture, saliency, saliency)
    assert made.shape == (120, 160, 4)
    assert not made[alpha < 0.05].any() and (made[alpha > 0.95][:, 3] == 255).all()
    hard = Cutout(feather=0)(picture, saliency, saliency)[..., 3]
    assert set(np.unique(hard)) == {0, 255} and ((hard > 0) == (saliency >= 128)).all()
    whole = Cutout(feather=1)(picture, saliency, saliency)[..., 3]
    np.testing.assert_array_equal(whole, saliency)


def test_backgrounds(scene, tmp_path):
    picture, saliency, alpha = scene
    outside = alpha < 0.01
    Image.new("RGB", (30, 300), (1, 2, 250)).save(tmp_path / "sea.png")
    for background, colour in (
        ("white", (255, 255, 255)),
        ("10,20,30", (10, 20, 30)),
        ("#0a141e", (10, 20, 30)),
        ("blur", GREEN),
        (str(tmp_path / "sea.png"), (1, 2, 250)),
    ):
        made = Cutout(background)(picture, saliency, saliency)
        assert made.shape == (120, 160, 3)
        assert np.abs(made[outside].astype(int) - colour).max() <= 12, background
        assert np.abs(made[alpha > 0.99].astype(int) - RED).max() <= 2, background


def test_small_parts_go_and_the_rest_is_cropped(scene):
    picture, saliency, _ = scene
    saliency[5:9, 5:9] = 255
    assert Cutout()(picture, saliency, saliency)[6, 6, 3] == 255
    tidy = Cutout(min_area=0.01, crop=True)
    made = tidy(picture, saliency, saliency)
    assert 60 <= made.shape[0] < 80 and 60 <= made.shape[1] < 80
    assert made[..., 3].any(0).all() and made[..., 3].any(1).all()
    nothing = tidy(picture, np.zeros_like(saliency), saliency)
    assert nothing.shape == (120, 160, 4) and not nothing.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(threshold=0), "^threshold must be above 0, got 0"),
        (dict(feather=1.5), "^feather must be at most 1, got 1.5"),
        (dict(min_area=-1), "^min_area must be at least 0, got -1"),
        (dict(background="wihte"), "^background: 'wihte' is not valid; use a colour"),
        (dict(background="1,2,300"), "^background: '1,2,300' is not valid"),
    ],
)
def test_what_is_out_of_bounds_is_told(options, message):
    with pytest.raises(ValueError, match=message):
        Cutout(**options)


def test_the_config_has_the_defaults_of_the_class(composed):
    options = composed("predict")["cutout"]
    assert options.pop("_target_").endswith("Cutout") and options == asdict(Cutout())


def test_predict_takes_a_colour_by_its_numbers(call, small_network, tmp_path):
    from salient import save_network

    save_network(small_network(), tmp_path / "a.safetensors")
    Image.new("RGB", (40, 30), "green").save(tmp_path / "a.png")
    where = ("input=a.png", "output=out", "checkpoint=a.safetensors", "mode=cutout")
    call(tmp_path, "predict", *where, "cutout.background=9,8,7", "cutout.threshold=0.999")
    assert np.asarray(Image.open(tmp_path / "out/a.png")).shape == (30, 40, 3)
    said = call(tmp_path, "predict", *where, "cutout.feather=2", fails=True).stderr
    assert "error: " in said and "cutout.feather must be at most 1, got 2" in said


def test_a_margin_and_a_square_around_the_object():
    picture = np.full((60, 100, 3), (200, 30, 30), np.uint8)
    saliency = np.zeros((60, 100), np.uint8)
    saliency[10:30, 5:45] = 255  # 20 x 40, near the left border
    whole = Cutout(crop=True)(picture, saliency)
    assert whole.shape == (20, 40, 4)
    made = Cutout(crop=True, margin=0.25)(picture, saliency)
    assert made.shape == (20 + 2 * 10, 40 + 2 * 10, 4)
    np.testing.assert_array_equal(made[10:30, 10:50], whole)
    assert not made[:, :5].any(), "what lies beyond the picture is transparent"
    square = Cutout("0,0,255", crop=True, square=True, margin=0.25)(picture, saliency)
    assert square.shape == (60, 60, 3) and square[30, 0].tolist() == [0, 0, 255]
    assert square[30, 30].tolist() == [200, 30, 30]
    blurred = Cutout("blur", crop=True, square=True, margin=1)(picture, saliency)
    assert blurred.shape == (120, 120, 3) and blurred.min() > 0
    for options in ({"margin": 0.1}, {"square": True}):
        with pytest.raises(ValueError, match="crop"):
            Cutout(**options)


@pytest.mark.parametrize("word", ["transparent", "none"])
def test_transparent_is_a_background_too(word):
    picture = np.full((20, 20, 3), 90, np.uint8)
    saliency = np.full((20, 20), 255, np.uint8)
    np.testing.assert_array_equal(Cutout(word)(picture, saliency), Cutout()(picture, saliency))
