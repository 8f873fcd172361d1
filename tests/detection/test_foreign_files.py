"""Files of strangers: each is refused in one line that names the file and what is wrong in it."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from salient import Detector, load_network, save_network
from salient.detection.load import load_engine
from tests.fixtures.networks import small_network

SAID = {
    "size": "64",
    "resize": '"area"',
    "mean": "[0.5, 0.5, 0.5]",
    "std": "[0.5, 0.5, 0.5]",
    "content": '"probability"',
}


def write_model(path, said=SAID, shape=("b", 1, 64, 64), scale=0.0, name="saliency"):
    """A model whose map is `scale` times the mean of the channels, or of another shape."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["b", 3, 64, 64])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Constant", [], ["scale"], value_float=scale),
        helper.make_node("Mul", ["grey", "scale"], ["scaled"]),
    ]
    if shape == ():
        nodes.append(helper.make_node("ReduceMean", ["scaled"], [name], keepdims=0))
    elif len(shape) == 1:
        nodes.append(helper.make_node("ReduceMean", ["scaled"], [name], axes=[1, 2, 3], keepdims=0))
    else:
        nodes.append(helper.make_node("Identity", ["scaled"], [name]))
    made = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "foreign", [image], [made])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, said)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("resize", '"nosuch"', "resize is 'nosuch'; it must be one of area, pillow"),
        ("resize", "[]", r"resize is \[\]; it must be one of"),
        ("size", "0", "size is 0; it must be a whole number from 1 to 4096"),
        ("size", "-32", "size is -32"),
        ("size", '"big"', "size is 'big'"),
        ("size", "1e9", "size is 1000000000.0"),
        ("mean", "[1, 2, 3, 4, 5]", r"mean is \[1, 2, 3, 4, 5\]; it must be three numbers"),
        ("mean", "[NaN, 0, 0]", "mean is "),
        ("std", "[1, 0, 1]", r"std is \[1, 0, 1\]; it must be three numbers above 0"),
        ("content", '"logit"', "it gives logits; export it with content=probability"),
        ("computes", '"\\u001b[31mint8"', "computes is"),
        ("computes", "\x1b]0;title\x07", r"computes is not JSON: '\\x1b\]0;title"),
        ("mean", "[" * 9999, "mean is not JSON"),
    ],
)
def test_what_a_file_says_of_itself_is_checked(tmp_path, key, value, message):
    path = write_model(tmp_path / "a.onnx", SAID | {key: value})
    with pytest.raises(ValueError, match=message) as error:
        Detector.load(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and line.isprintable()


def test_what_a_file_does_not_say_is_named(tmp_path):
    said = {key: value for key, value in SAID.items() if key != "std"}
    with pytest.raises(ValueError, match=r"a\.onnx: .*its metadata lacks 'std'"):
        Detector.load(write_model(tmp_path / "a.onnx", said))
    with pytest.raises(ValueError, match=r"takes \['image'\] and gives \['map'\]"):
        Detector.load(write_model(tmp_path / "a.onnx", name="map"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(shape=()), r"saliency is float32 of shape \(\); it must be float32 B,1,H,W"),
        (dict(shape=("b",)), r"of shape \(1,\)"),
        (dict(scale=9.0), "values from 9 to 9; probabilities must be in"),
        (dict(scale=-9.0), "values from -9 to -9"),
        (dict(scale=np.inf), "not finite"),
    ],
)
def test_what_a_file_gives_is_checked(tmp_path, options, message):
    path = write_model(tmp_path / "a.onnx", **options)
    detector = Detector.load(path)
    with pytest.raises(ValueError, match=message) as error:
        detector(np.full((64, 64, 3), 255, np.uint8))
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_a_file_that_cannot_be_run_is_named(tmp_path):
    path = write_model(tmp_path / "a.onnx", SAID | {"size": "96"})  # its input is 64 x 64
    with pytest.raises(ValueError, match=r"a\.onnx: onnxruntime cannot run it: ") as error:
        Detector.load(path)(np.zeros((64, 64, 3), np.uint8))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.safetensors", "a.onnx", "last.ckpt", "pytorch_model.bin"])
def test_what_is_no_regular_file_is_not_read(tmp_path, name):
    os.mkfifo(tmp_path / name)
    (tmp_path / f"link-{name}").symlink_to(tmp_path / name)
    places = [tmp_path / name, tmp_path / f"link-{name}"]
    places += [tmp_path] if name == "pytorch_model.bin" else []
    for place in places:
        with pytest.raises(ValueError, match="not a regular file"):
            load_engine(place, "cpu")
    with pytest.raises(ValueError, match="not a regular file"):
        load_network(tmp_path / name)
    (tmp_path / f"zero-{name}").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="not a regular file"):
        load_engine(tmp_path / f"zero-{name}", "cpu")


def test_a_models_folder_may_hold_other_folders_and_files(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    (folder / ".git/objects").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    save_network(small_network(), folder / "pytorch_model.bin")  # told apart by content
    (folder / "config.py").write_text("norm_size = 64\n")
    assert load_engine(folder, "cpu").size == 64
