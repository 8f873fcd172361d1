"""ImageNet weights for an encoder: of four kinds of file, or none within reach."""

from __future__ import annotations

import time

import pytest
import timm
import torch
from safetensors.torch import save_file

from salient.model.boundary import BoundaryNetwork
from salient.model.encoder import Encoder
from salient.weights import modelscope
from salient.weights.imagenet import build_encoder, load_classifier


def test_imagenet_without_a_network_fails_at_once_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(ConnectionError, match=r"weights=FILE .* weights=none"):
        build_encoder("res2net50d", "imagenet")
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("form", ["safetensors", "pth"])
def test_encoder_weights_from_a_classifiers_file(tmp_path, form):
    """timm's safetensors and the authors' .pth hold the encoder and a classifier, `fc.*`."""
    torch.manual_seed(1)
    state = timm.create_model("res2net50d", num_classes=10).state_dict()
    assert "fc.weight" in state
    path = tmp_path / f"weights.{form}"
    save_file(state, path) if form == "safetensors" else torch.save(state, path)
    encoder = build_encoder("res2net50d", str(path))
    for key, value in encoder.body.state_dict().items():
        assert torch.equal(value, state[key]), key
    del state["layer4.2.bn3.weight"]
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"1 missing, the first is layer4.2.bn3.weight"):
        build_encoder("res2net50d", str(path))


def test_the_authors_encoder_file_loads_without_its_classifier(modelscope_state, tmp_path):
    network = BoundaryNetwork(Encoder("res2net50d"))
    encoder = {
        key.removeprefix("encoder.body."): value
        for key, value in modelscope.convert(modelscope_state).items()
        if key.startswith("encoder.body.")
    }
    classifier = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    torch.save(encoder | classifier, tmp_path / "res2net50_v1b_26w_4s.pth")
    save_file(encoder | classifier, tmp_path / "timm.safetensors")
    for name in ("res2net50_v1b_26w_4s.pth", "timm.safetensors"):
        load_classifier(network.encoder, str(tmp_path / name))
        for key, value in network.encoder.body.state_dict().items():
            assert torch.equal(value, encoder[key]), key


def test_an_efficientnet_loads_from_timms_file_and_from_efficientnet_pytorchs(tmp_path):
    classifier = timm.create_model("tf_efficientnet_lite0").state_dict()
    for index, value in enumerate(classifier.values()):
        value += index
    save_file(classifier, tmp_path / "timm.safetensors")
    names = [key.replace("conv_stem", "_conv_stem").replace("bn", "_bn") for key in classifier]
    torch.save(dict(zip(names, classifier.values())), tmp_path / "lite0.pth")
    for name in ("timm.safetensors", "lite0.pth"):
        body = build_encoder("tf_efficientnet_lite0", str(tmp_path / name)).body
        for key, value in body.state_dict().items():
            assert torch.equal(value, classifier[key]), key
    with pytest.raises(ValueError, match=r"lite0\.pth does not fit"):
        build_encoder("tf_efficientnet_lite1", str(tmp_path / "lite0.pth"))
