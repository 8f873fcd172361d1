"""The quicker of two files of one network: measured once, and what becomes of a broken cache."""

from __future__ import annotations

import json

import numpy as np
import pytest

from salient import Detector
from salient.detection import fastest as module
from salient.detection.fastest import fastest
from salient.weights.find import BOX
from tests.fixtures.photos import draw_disc

FILES = {"onnx": BOX / "fast.onnx", "int8": BOX / "fast.int8.onnx"}


@pytest.fixture
def measured(monkeypatch):
    """The measurements asked for, of which `int8` is always the quickest."""
    asked = []

    def measure(engines):
        asked.append(list(engines))
        return {name: 0.1 if name == "int8" else 0.2 for name in engines}

    monkeypatch.setattr(module, "measure", measure)
    return asked


def test_it_is_measured_once_for_these_files(measured, tmp_path):
    cache = tmp_path / "new/fastest.json"
    assert [fastest(FILES, cache) for _ in range(2)] == ["int8", "int8"]
    assert measured == [["onnx", "int8"]]
    (key,) = json.loads(cache.read_text())
    assert "onnxruntime" in key and "cores" in key
    assert fastest({"onnx": FILES["onnx"]}, cache) == "onnx" and len(measured) == 2
    assert len(json.loads(cache.read_text())) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "no JSON"])
def test_a_damaged_cache_is_measured_again(measured, tmp_path, content):
    cache = tmp_path / "fastest.json"
    cache.write_text(content)
    assert fastest(FILES, cache) == "int8" and len(measured) == 1
    assert "int8" in json.loads(cache.read_text()).values()


def test_without_a_place_for_the_cache_it_is_measured_each_time(measured, tmp_path):
    (tmp_path / "file").write_text("")
    assert [fastest(FILES, tmp_path / "file/fastest.json") for _ in range(2)] == ["int8"] * 2
    assert len(measured) == 2


def test_the_8_bit_files_give_nearly_the_same_map_and_are_named(monkeypatch, tmp_path, measured):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    disc = draw_disc()
    for name in ("best", "fast"):
        exact = Detector.load(name, "cpu", engine="onnx")(disc).probability
        for engine in ("int8", "fastest"):
            detector = Detector.load(name, "cpu", engine=engine)
            assert detector.engine.name == "onnxruntime int8"
            assert np.abs(detector(disc).probability - exact).mean() < 0.02
    assert len(measured) == 2


def test_where_there_is_no_8_bit_file_it_says_so(small_network, tmp_path, measured):
    from salient import save_network

    file = save_network(small_network(), tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"a\.safetensors has no 8-bit file.*int8=PICTURES"):
        Detector.load(file, "cpu", engine="int8")
    assert Detector.load(file, "cpu", engine="fastest").engine.name.startswith("PyTorch")
    assert measured == []
