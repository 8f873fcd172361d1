"""The bundled ONNX files belong to the bundled weights, and give their maps."""

from __future__ import annotations

import json
import re

import numpy as np
import onnxruntime
import pytest
import torch

from salient import load_network
from salient.data.transforms import squash
from salient.sample.draw import draw_pair
from salient.tensors import read_tensors
from salient.weights.onnx_file import Heads, constants
from salient.weights.store import BOX, checksum

NAMES = ("best", "fast")


def session_of(name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(BOX / f"{name}.onnx", options)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_file_is_that_of_the_weights_next_to_it(name):
    path = BOX / f"{name}.safetensors"
    network, session = load_network(path), session_of(name)
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["crc32"]) == checksum(read_tensors(path)[0])
    unnamed = constants(network, half=True)
    assert unnamed.pop("architecture") == '"boundary"'  # files from before there were others
    assert {k: json.loads(v) for k, v in said.items() if k != "architecture"} == {
        k: json.loads(v) for k, v in unnamed.items()
    }
    assert (BOX / f"{name}.onnx").stat().st_size < 12e6
    picture = squash(draw_pair("test", 3)[0], network.size, network.resize)
    image = network.normalize(torch.from_numpy(picture).permute(2, 0, 1)[None])
    with torch.inference_mode():
        expected = Heads(network, probability=True)(image)
    given = session.run(None, {"image": image.contiguous().numpy()})
    assert expected[0].max() > 0.9
    for ours, theirs in zip(expected, given, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_8_bit_file_was_made_of_these_weights(name):
    session = onnxruntime.InferenceSession(BOX / f"{name}.int8.onnx")
    said = dict(session.get_modelmeta().custom_metadata_map)
    known = constants(load_network(BOX / f"{name}.safetensors"))
    assert json.loads(said["computes"]) == "int8" and said["crc32"] == known["crc32"]
    assert session.get_outputs()[1].name == "edge"


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_file_says_nothing_about_the_machine_that_wrote_it(name):
    for kind in ("onnx", "int8.onnx"):
        content = (BOX / f"{name}.{kind}").read_bytes()
        assert b"site-packages" not in content and not re.search(rb"\.py\b", content)


def test_the_hash_tells_weights_apart(small_network):
    torch.manual_seed(0)
    network = small_network()
    before = constants(network)["crc32"]
    assert constants(network)["crc32"] == before != constants(network, half=True)["crc32"]
    with torch.no_grad():
        next(network.parameters())[0, 0, 0, 0] += 0.5
    assert constants(network)["crc32"] != before
    with torch.no_grad():
        next(network.parameters())[0, 0, 0, 0] = 1e5
    with pytest.raises(ValueError, match="not exported: .* infinite"):
        constants(network, half=True)
