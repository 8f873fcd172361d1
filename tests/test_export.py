"""Exported networks give PyTorch's maps, at any batch and size."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from salient import save_network
from salient.export import FORMATS, check, export_network
from salient.weights.onnx_file import Heads


@pytest.mark.parametrize(("name", "kind"), [("a.onnx", "probability"), ("a.pt2", "logit")])
def test_an_exported_network_gives_the_same_maps_at_any_size(small_network, tmp_path, name, kind):
    torch.manual_seed(0)
    network = small_network().eval()
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k, size in enumerate([(70, 130), (64, 64), (1, 200)]):
        picture = Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8))
        picture.save(folder / f"{k}.png")
    output = tmp_path / name
    probability = kind == "probability"
    export_network(network, output, probability)
    checked = check(network, output, probability, str(folder))
    assert checked.pictures == 3 and checked.difference <= 1e-4 and checked.runtime_ms > 0
    image = rng.standard_normal((3, 3, 160, 96)).astype(np.float32)
    with torch.inference_mode():
        expected = Heads(network, probability)(torch.from_numpy(image))
    for ours, theirs in zip(expected, FORMATS[output.suffix].runner(output)(image), strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-4)


def test_an_encoder_of_same_padding_exports_too(small_network, tmp_path):
    """The weights in the box have it; with timm's own padding this does not end."""
    network = small_network("tf_efficientnet_lite0").eval()
    path = export_network(network, tmp_path / "a.pt2")
    assert check(network, path).difference <= 1e-5


def test_onnx_carries_its_constants(run, small_network, tmp_path):
    save_network(small_network(mean=(0.5, 0.4, 0.3)), tmp_path / "a.safetensors")
    done = run(tmp_path, "-m", "salient", "export", "checkpoint=a.safetensors", "output=a.onnx")
    assert "largest difference on 2 pictures" in done.stdout and "onnxruntime" in done.stdout
    model = onnx.load(tmp_path / "a.onnx")
    properties = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert properties["mean"] == [0.5, 0.4, 0.3] and properties["size"] == 64
    assert [x.name for x in model.graph.input] == ["image"]
    assert [x.name for x in model.graph.output] == ["saliency"]
    wrong = ("checkpoint=a.safetensors", "output=a.h5")
    done = run(tmp_path, "-m", "salient", "export", *wrong, fails=True)
    assert "the name ends in .onnx or .pt2" in done.stderr
