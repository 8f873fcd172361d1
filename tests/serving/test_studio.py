"""Limits, the queue, what is held, and settings that somebody sent."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from salient import save_network
from salient.detection.cutout import Cutout
from salient.serving import studio as module
from salient.serving.studio import BusyError, Seen, Studio, TooLargeError, make_cutout
from tests.fixtures.photos import as_file, draw_disc


@pytest.fixture
def studio(small_network, tmp_path):
    path = str(save_network(small_network(), tmp_path / "mine.safetensors"))
    return Studio({"mine": path, "fast": "fast"}, megapixels=0.04, queue=1, device="cpu")


def test_it_sees_what_the_detector_sees(studio):
    picture = studio.read(as_file(draw_disc()), "a.png")
    seen = studio.see(picture, "a.png", "fast")
    saliency, edge = next(iter(studio.detector("fast").detect([draw_disc()])))
    np.testing.assert_array_equal(seen.saliency, saliency)
    np.testing.assert_array_equal(seen.edge, edge)
    np.testing.assert_array_equal(seen.draw("picture", Cutout()), draw_disc())
    np.testing.assert_array_equal(
        seen.draw("cutout", Cutout("white")), Cutout("white")(picture, saliency, edge)
    )
    with pytest.raises(LookupError, match="'x': no such mode; there are map, cutout"):
        seen.draw("x", Cutout())
    with pytest.raises(ValueError, match="weights: 'x' is not valid; there are mine, fast"):
        studio.see(picture, "a.png", "x")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(studio, monkeypatch):
    monkeypatch.setattr(module, "read_image", lambda _: pytest.fail("decoded"))
    with pytest.raises(TooLargeError, match=r"b.png: 201 x 200 pixels .* max_megapixels=0.04;"):
        studio.read(as_file(np.zeros((200, 201, 3), np.uint8)), "b.png")


def test_no_more_than_the_queue_wait(studio):
    inside, go, refused = threading.Event(), threading.Event(), []

    def work():
        with studio.turn():
            inside.set()
            go.wait(10)

    first, second = threading.Thread(target=work), threading.Thread(target=work)
    first.start()
    inside.wait(10)
    second.start()
    while studio._room._value:
        pass
    with pytest.raises(BusyError, match="busy: 1 pictures are waiting; try again"), studio.turn():
        refused.append("no")
    go.set()
    first.join(10)
    second.join(10)
    with studio.turn():
        assert not refused


def test_a_page_holds_one_picture_and_few_pages_hold_any(studio, monkeypatch):
    monkeypatch.setattr(module, "PAGES", 3)
    blank = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    seen = [Seen(f"{k}", "mine", *blank) for k in range(6)]
    assert len({one.token for one in seen}) == 6
    for page, one in zip("aabcd", seen):
        studio.hold(page, one)
    assert [studio.held(page) for page in "abcd"] == [None, *seen[2:5]]
    assert studio.with_token(seen[4].token) is seen[4]
    assert studio.with_token(seen[0].token) is None
    studio.forget("d")
    studio.forget("never there")
    assert studio.with_token(seen[4].token) is None


def test_a_preview_is_small_and_of_the_same_shape(studio):
    maps = np.zeros((1000, 3000), np.uint8), np.zeros((1000, 3000), np.uint8)
    seen = Seen("a", "mine", np.zeros((1000, 3000, 3), np.uint8), *maps)
    assert seen.preview.picture.shape == (320, 960, 3) and seen.preview.token == seen.token
    assert seen.preview.preview is seen.preview


def test_settings_are_those_of_a_cutout():
    assert make_cutout({}) == Cutout()
    assert make_cutout({"background": "transparent"}) == Cutout()
    sent = {"background": "1,2,3", "threshold": "0.4", "feather": 0, "min_area": 0.1}
    assert make_cutout(sent | {"crop": "true"}) == Cutout("1,2,3", 0.4, 0, 0.1, True)
    assert make_cutout({"background": "#f00", "crop": False}) == Cutout("#f00")


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        ({"background": "/etc/passwd"}, "background: '/etc/passwd' is not valid; use transparent"),
        ({"background": "FILE"}, "background: .* is not valid; use transparent, blur, or a colour"),
        ({"threshold": "x"}, "threshold: 'x' is not a number"),
        ({"threshold": "nan"}, "cutout.threshold must be between 0 and 1, got nan"),
        ({"threshold": None}, "threshold: None is not a number"),
        ({"crop": "yes"}, "crop: 'yes' is not valid; use true or false"),
        ({"tresh": 1}, "'tresh': unknown; there are background, threshold"),
    ],
)
def test_other_settings_are_refused_and_no_file_is_opened(sent, line, tmp_path, monkeypatch):
    (tmp_path / "photo.png").write_bytes(as_file(draw_disc()))
    sent = {k: str(tmp_path / "photo.png") if v == "FILE" else v for k, v in sent.items()}
    monkeypatch.setattr("salient.detection.cutout.read_image", lambda _: pytest.fail("read"))
    with pytest.raises(ValueError, match=line):
        make_cutout(sent)
