"""Exported networks give PyTorch's maps, at any batch and size. Each file is written once."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from salient import load_network
from salient.export import FORMATS, METADATA, check, export_network
from salient.weights.int8 import quantise
from salient.weights.onnx_file import Heads, constants, convert_to_half, store_in_half
from tests.fixtures.exports import CONTENT
from tests.fixtures.networks import small_network

each = pytest.mark.parametrize("ending", CONTENT)


@each
def test_an_exported_network_gives_the_same_maps_at_any_batch_and_size(exported, ending):
    heads = Heads(load_network(exported / "a.safetensors"), CONTENT[ending] == "probability")
    runner = FORMATS[ending].runner(exported / f"a{ending}")
    rng = np.random.default_rng(0)
    for shape in ((1, 3, 64, 64), (3, 3, 160, 96)):
        image = rng.standard_normal(shape).astype(np.float32)
        with torch.inference_mode():
            expected = heads(torch.from_numpy(image))
        for ours, theirs in zip(expected, runner(image), strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5)


@each
def test_the_command_compares_and_times_what_it_wrote(exported, ending):
    said = (exported / f"said{ending}").read_text()
    assert "largest difference on 2 pictures" in said and "99 % within" in said
    assert FORMATS[ending].runtime in said and "ms at 64 px, batch 1" in said


@each
def test_it_is_compared_on_pictures_of_any_size(exported, tmp_path, ending):
    rng = np.random.default_rng(0)
    for k, size in enumerate([(70, 130), (64, 64), (1, 200)]):
        picture = Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8))
        picture.save(tmp_path / f"{k}.png")
    network, probability = load_network(exported / "a.safetensors"), ending == ".onnx"
    checked = check(network, exported / f"a{ending}", probability, str(tmp_path))
    assert checked.pictures == 3 and checked.difference <= 1e-4 and checked.runtime_ms > 0
    assert checked.mean <= checked.percentile <= checked.difference
    with torch.no_grad():
        network.out4.bias += 0.1
    checked = check(network, exported / f"a{ending}", probability, str(tmp_path))
    assert 1e-4 < checked.mean < checked.percentile <= checked.difference


def test_a_file_carries_its_constants(exported):
    network = load_network(exported / "a.safetensors")
    model = onnx.load(exported / "a.onnx")
    properties = {entry.key: entry.value for entry in model.metadata_props}
    extra = {METADATA: ""}
    torch.export.load(exported / "a.pt2", extra_files=extra)
    assert properties == constants(network)
    assert json.loads(extra[METADATA]) == constants(network, probability=False)
    assert json.loads(properties["mean"]) == [0.5, 0.4, 0.3]
    assert json.loads(properties["content"]) == "probability"
    shapes = [
        (value.name, [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim])
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [
        ("image", ["batch", 3, "height", "width"]),
        ("saliency", ["batch", 1, "height", "width"]),
        ("edge", ["batch", 1, "height / 4", "width / 4"]),
    ]


def test_half_precision_is_that_of_the_weights_alone(exported, tmp_path):
    model = onnx.load(exported / "a.onnx")
    store_in_half(model)
    onnx.save(model, tmp_path / "half.onnx")
    size = (tmp_path / "half.onnx").stat().st_size
    assert size < 0.55 * (exported / "a.onnx").stat().st_size
    network = load_network(exported / "a.safetensors")
    assert check(network, tmp_path / "half.onnx").difference > 1e-6
    with torch.no_grad():
        for weight in network.state_dict().values():
            if weight.is_floating_point() and weight.numel() >= 64:
                weight.copy_(weight.half().float())
    assert check(network, tmp_path / "half.onnx").difference <= 1e-5


def test_in_8_bits_it_computes_nearly_the_same(exported, tmp_path):
    """The layers up to /4 stay in float, and all others are quantised."""
    network = load_network(exported / "a.safetensors")
    image = np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)
    content = (exported / "a.onnx").read_bytes()
    (tmp_path / "int8.onnx").write_bytes(quantise(content, [image], network.float_before))
    model, before = onnx.load(tmp_path / "int8.onnx"), onnx.load_from_string(content)
    said, said_before = (
        {entry.key: entry.value for entry in x.metadata_props} for x in (model, before)
    )
    assert said == said_before | {"computes": '"int8"'}
    made_of = {name: node for node in model.graph.node for name in node.output}
    inputs = [node.input[1] for node in model.graph.node if node.op_type == "Conv"]
    in_float = {name for name in inputs if name not in made_of}
    first = {"conv1", "layer1"}
    assert in_float and len(in_float) < len(inputs) / 3
    assert all(any(f"body.{word}" in name for word in first) for name in in_float)
    runner = FORMATS[".onnx"].runner
    for ours, theirs in zip(
        runner(exported / "a.onnx")(image), runner(tmp_path / "int8.onnx")(image)
    ):
        assert 0 < np.abs(ours - theirs).max() < 0.05
    assert check(network, tmp_path / "int8.onnx").difference > 1e-5


def test_an_encoder_of_same_padding_exports_too(tmp_path):
    """The bundled weights have it; with timm's own padding this does not end."""
    network = small_network("tf_mobilenetv3_small_minimal_100", group=1024).eval()
    path = export_network(network, tmp_path / "a.pt2")
    assert check(network, path).difference <= 1e-5


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("output=a.h5",), "the name must end in .onnx or .pt2"),
        (("output=b.pt2", "half=true"), "stores 32 bits; use output=model.onnx"),
        (("output=b.pt2", "int8=."), "int8: only for output=model.onnx"),
        (("output=b.onnx", "int8=."), "int8=.: no pictures in this folder"),
        (("output=a.onnx",), "output=a.onnx already exists; overwrite=true replaces it"),
        (("output=b.onnx", "pictures=none"), "pictures=none: no such folder"),
    ],
)
def test_what_is_refused(call, exported, arguments, reason):
    done = call(exported, "export", "checkpoint=a.safetensors", *arguments, fails=True)
    assert reason in done.stderr


def test_a_file_that_cannot_be_checked_is_not_left_behind(exported, call, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"no picture")
    monkeypatch.setattr("salient.commands.export.export_network", lambda n, path, *_: path.touch())
    where = (f"checkpoint={exported / 'a.safetensors'}", "output=b.onnx", f"pictures={tmp_path}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "salient.export.FORMATS",
            FORMATS | {".onnx": FORMATS[".onnx"]._replace(runner=lambda p: None)},
        )
        done = call(tmp_path, "export", *where, fails=True)
    assert "a.png: not a readable picture" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_page_holds_the_network(exported, call, tmp_path, monkeypatch):
    """Its weights, in 16 bits; without onnxruntime-web, which tests/serving/test_offline.py has."""
    from salient.serving import offline

    script = b"const a = 1, b = 2, c = 3; export{a as InferenceSession,b as Tensor,c as env};\n"
    monkeypatch.setattr(offline, "DIGESTS", {})
    runtime = {offline.SCRIPT: script, offline.WASM: b"wasm"}
    monkeypatch.setattr("salient.export.formats.read_runtime", lambda path: runtime)
    monkeypatch.setattr(
        "salient.export.formats.write_onnx",
        lambda network, half: convert_to_half((exported / "a.onnx").read_bytes(), network),
    )
    where = (f"checkpoint={exported / 'a.safetensors'}", "output=a.html", "runtime=any.tgz")
    said = call(tmp_path, "export", *where).stdout
    assert "largest difference on 2 pictures" in said
    page = (tmp_path / "a.html").read_text()
    assert '"weights": ["a"]' in page and '"size": 64' in page
    for other, line in {
        "a.onnx": "runtime: only for output=detect.html",
        "b.html": "content: a page",
    }.items():
        more = ("content=logit",) if other == "b.html" else ()
        where = (where[0], f"output={other}", "runtime=any.tgz", *more)
        assert line in call(tmp_path, "export", *where, fails=True).stderr
