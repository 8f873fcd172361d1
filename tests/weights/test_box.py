"""The bundled weights: what they are, that they are the default, and that they detect."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from salient import Detector, load_network
from salient.metrics import SaliencyMetrics
from salient.sample.draw import draw_pair
from salient.weights.find import BOX
from salient.weights.store import read_metadata

SHA256 = {
    "best": "fa377fe07cee16b950f0878e53a8751d17e5542ea06e9313936605acdf8700fa",
    "fast": "3336bb570315d28d97695f3574f384a92216fb8a4967d9599b25faacf72b5867",
}
FILES = {name: BOX / f"{name}.safetensors" for name in SHA256}
each = pytest.mark.parametrize("name", SHA256)


@each
def test_the_file_is_the_one_that_was_scored(name):
    assert hashlib.sha256(FILES[name].read_bytes()).hexdigest() == SHA256[name]


@each
def test_its_metadata_says_where_it_comes_from(name):
    metadata = read_metadata(FILES[name])
    config = json.loads(metadata["config"])
    assert config["name"] == {"best": "distilled", "fast": "lite"}[name]
    assert "DUTS-TR/DUTS-TR-Mask" in metadata["config"]
    assert float(metadata["hours"]) > 0 and metadata["licence"] and metadata["hardware"]
    assert {"ECSSD", "SOD"} <= json.loads(metadata["scores"]).keys()
    assert '"/' not in str(metadata), "an absolute path"


@each
def test_a_changed_weight_is_noticed(name, tmp_path):
    content = bytearray(FILES[name].read_bytes())
    content[-1001] ^= 1
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="the weights are not those that were saved"):
        load_network(tmp_path / "a.safetensors")


@each
def test_it_is_small(name):
    network = load_network(FILES[name])
    assert sum(p.numel() for p in network.parameters()) <= {"best": 6e6, "fast": 4e6}[name]
    assert FILES[name].stat().st_size < {"best": 12e6, "fast": 8e6}[name]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, network.size, network.size))
    assert counter.get_total_flops() / 2 <= 2e9


@pytest.fixture(scope="module", params=[None, "fast"])
def detector(request):
    return Detector.load(request.param, "cpu", "fp32")


def test_it_is_the_default_and_detects_in_drawn_pictures(detector):
    """It has never seen a drawing: a centred guess reaches max F .39 and MAE .33 on these."""
    pairs = [draw_pair("test", index) for index in range(32)]
    metrics = SaliencyMetrics()
    for saliency, (_, mask) in zip(detector([picture for picture, _ in pairs]), pairs):
        metrics.update(saliency, mask)
    figures = metrics.compute()
    assert figures["max_f"] > 0.8 and figures["mae"] < 0.1


def test_it_finds_a_ball_on_a_lawn(detector):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:240, :320]
    picture = np.array([70, 130, 50]) + rng.normal(0, 12, (240, 320, 1))
    ball = (x - 200) ** 2 + (y - 130) ** 2 < 50**2
    shade = 1.2 - 0.005 * np.hypot(x - 180, y - 110)
    picture = np.where(ball[..., None], np.array([210, 60, 40]) * shade[..., None], picture)
    probability = detector.probability(picture.clip(0, 255).astype(np.uint8))
    assert probability[ball].mean() > 0.8 and probability[~ball].mean() < 0.1
