"""The server's networks and pictures: names, limits, and what is read."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from salient import save_network
from salient.serving import networks as module
from salient.serving.networks import Networks, TooLargeError, read_picture
from tests.fixtures.photos import as_file, draw_disc


@pytest.fixture
def networks(small_network, tmp_path):
    path = str(save_network(small_network(), tmp_path / "mine.safetensors"))
    return Networks({"mine": path, "fast": "fast"}, device="cpu")


def test_it_detects_as_the_detector_does(networks):
    picture = read_picture(as_file(draw_disc()), "a.png", 1)
    maps = next(iter(networks.load("fast").detect([draw_disc()])))
    for alone in (True, False):
        found = networks.detect(picture, "fast", alone)
        for ours, theirs in zip((found.saliency, found.edge), maps):
            np.testing.assert_allclose(ours.astype(int), theirs, atol=1)
    with pytest.raises(ValueError, match="weights: 'x' is not valid; there are mine, fast"):
        networks.detect(picture, "x", True)


def test_a_network_is_loaded_once_and_only_if_asked_for(networks, monkeypatch):
    loads = []
    load = module.Detector.load
    monkeypatch.setattr(
        module.Detector, "load", lambda *a, **k: (loads.append(a), load(*a, **k))[1]
    )
    threads = [threading.Thread(target=networks.load, args=["fast"]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    networks.load("mine")
    assert loads == [("fast",)]


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(module, "read_image", lambda _: pytest.fail("decoded"))
    with pytest.raises(TooLargeError, match=r"b.png: 201 x 200 pixels .* max_megapixels=0.04;"):
        read_picture(as_file(np.zeros((200, 201, 3), np.uint8)), "b.png", 0.04)
