"""ONNX files from anywhere: run as described, by name, next to the file or on the command line."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from salient import Detector
from salient.detection.any_onnx import AnyOnnxEngine, Description, known_models, load_onnx
from salient.detection.by_onnx import OnnxEngine
from salient.detection.road import detect_squares
from salient.weights.find import BOX
from tests.fixtures.scored import SIDE, write_grey

SQUARE = np.full((1, SIDE, SIDE, 3), 51, np.uint8)  # 51 / 255 is .2
SQUARE[0, 0, 0] = 102
GREY = {"size": SIDE, "output": "grey"}


@pytest.mark.parametrize(
    ("described", "corner", "elsewhere"),
    [
        ({}, 0.4, 0.2),
        ({"output": 1}, 0.4, 0.2),
        ({"output": 0}, 0, 0),
        ({"divide_by": "max"}, 1, 0.5),
        ({"divide_by": 510}, 0.2, 0.1),
        ({"mean": [0.1, 0.1, 0.1], "std": [0.5, 0.5, 0.5]}, 0.6, 0.2),
        ({"sigmoid": True}, 1 / (1 + np.exp(-0.4)), 1 / (1 + np.exp(-0.2))),
        ({"stretch": True}, 1, 0),
    ],
)
def test_a_file_is_run_as_described(tmp_path, described, corner, elsewhere):
    engine = load_onnx(write_grey(tmp_path / "a.onnx"), GREY | described)
    found = detect_squares(engine, np.concatenate([SQUARE, SQUARE])).saliency
    assert found.shape == (2, SIDE, SIDE) and found.dtype == np.float32
    assert found[1, 0, 0] == pytest.approx(corner) and found[1, 5, 5] == pytest.approx(elsewhere)


def test_a_description_lies_next_to_the_file_or_comes_from_its_name(tmp_path):
    file = write_grey(tmp_path / "a.onnx")
    (tmp_path / "a.yaml").write_text(f"size: {SIDE}\noutput: grey\n")
    engine = Detector.load(file).engine  # as predict takes it
    assert isinstance(engine, AnyOnnxEngine)
    again = pickle.loads(pickle.dumps(engine))
    assert np.array_equal(again.run(SQUARE).saliency, engine.run(SQUARE).saliency)
    known = load_onnx(write_grey(tmp_path / "u2netp.onnx", 320))
    assert known.description == Description(**known_models()["u2net"]) and known.size == 320
    assert isinstance(load_onnx(BOX / "fast.onnx"), OnnxEngine)  # its own metadata


def test_every_bundled_description_is_one():
    for described in known_models().values():
        assert Description(**described).size in (320, 512, 1024)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"size": 64}, r"its input is \[\[1, 3, 32, 32\]\]; it must take 1,3,64,64"),
        ({"size": 0}, "its description: size must be at least 1, got 0"),
        ({"size": 32, "std": [1, 0, 1]}, "std must be above 0"),
        ({"size": 32, "sise": 3}, "its description: sise: unknown key; did you mean size?"),
        ({"output": "grey"}, "its description: size: missing"),
        ({"size": 32, "output": "map"}, "it has no output map; there are none, grey"),
        ({"size": 32, "output": 2}, "it has no output 2"),
        ({"size": 32, "channel": 1}, r"has the shape \(1, 1, 32, 32\); no channel 1"),
        (None, r"not a file of `salient export`.*; describe it in a\.yaml next to it"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, described, message):
    file = write_grey(tmp_path / "a.onnx")
    with pytest.raises(ValueError, match=rf"a\.onnx: .*{message}"):
        load_onnx(file, described).run(SQUARE)
