"""Networks to and from files, against ModelScope's own outputs and with files made here."""

from __future__ import annotations

import functools
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

import salient
from salient.model.boundary import BoundaryNetwork
from salient.tensors import read_tensors
from salient.weights.find import find_checkpoint
from salient.weights.store import read_metadata
from tests.fixtures.modelscope import load_arrays
from tests.fixtures.networks import small_network


# In float64 only the golden's own float32 rounding is left, 5e-6. In float32, through 100 layers of
# random weights, the order of the sums alone moves it by up to 1.5e-5: it differs between
# processors, and even with the number of threads.
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.float32, 3e-5)])
def test_golden_outputs_of_modelscope(modelscope_state, tmp_path, dtype, tolerance):
    golden = load_arrays("golden")
    path = tmp_path / "pytorch_model.bin"
    torch.save(modelscope_state, path)
    network = salient.load_network(path).to(dtype)
    with torch.inference_mode():
        outputs = network(torch.from_numpy(golden["image"]).to(dtype))
    for name, logit in zip(("out_4", "out_8", "out_16"), outputs.saliency):
        assert np.abs(torch.sigmoid(logit).numpy() - golden[name]).max() <= tolerance, name
    edge = torch.nn.functional.interpolate(torch.sigmoid(outputs.edge), (96, 128), mode="bilinear")
    assert np.abs(edge.numpy() - golden["edge"]).max() <= tolerance


@pytest.mark.parametrize("change", ["missing", "left over", "another shape"])
def test_a_wrong_modelscope_file_is_refused_by_key(modelscope_state, tmp_path, change):
    state = dict(modelscope_state)
    if change == "missing":
        del state["out_conv_8.bias"]
    elif change == "left over":
        state["surprise.weight"] = torch.zeros(1)
    else:
        state["out_conv_8.bias"] = torch.zeros(3)
    torch.save(state, tmp_path / "wrong.bin")
    with pytest.raises(ValueError, match=f"{change}.*(out8.bias|surprise.weight)"):
        salient.load_network(tmp_path / "wrong.bin")


def test_own_file_returns_the_same_network(tmp_path):
    network = small_network(mean=(0.5, 0.4, 0.3)).eval()
    path = salient.save_network(network, tmp_path / "a" / "b.safetensors", {"data": "none"})
    loaded = salient.load_network(path)
    assert loaded.config == network.config and not loaded.training
    x = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        for a, b in zip(network(network.normalize(x)), loaded(loaded.normalize(x))):
            torch.testing.assert_close(a, b, rtol=0, atol=0)
    metadata = read_metadata(path)
    assert metadata["data"] == "none" and json.loads(metadata["versions"])["torch"]
    assert [p.name for p in path.parent.iterdir()] == ["b.safetensors"]


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.safetensors"):
        salient.load_network(tmp_path / "nothing.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match="first key is a"):
        salient.load_network(tmp_path / "foreign.safetensors")
    (tmp_path / "text.bin").write_text("hello, this is no checkpoint")
    with pytest.raises(ValueError, match="text.bin: neither safetensors nor"):
        salient.load_network(tmp_path / "text.bin")
    whole = salient.save_network(small_network(), tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:5000])
    with pytest.raises(ValueError, match="cut.safetensors: damaged"):
        salient.load_network(tmp_path / "cut.safetensors")


def rewrite(file, change, checked=False, **metadata):
    """The file with its tensors changed in place, and without its checksum unless `checked`."""
    state, before = read_tensors(file)
    change(state)
    if not checked:
        del before["crc32"]
    file.write_bytes(save(state, before | metadata))


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("out4.bias", float("nan"), "out4.bias contains NaN"),
        ("out4.weight", float("-inf"), "out4.weight contains NaN or infinite values"),
        ("deep.bn.running_var", -1, "deep.bn.running_var contains negative variances"),
    ],
)
def test_weights_that_are_not_finite_are_neither_loaded_nor_written(tmp_path, key, value, problem):
    file = salient.save_network(small_network(), tmp_path / "a.safetensors")
    rewrite(file, lambda state: state[key].view(-1)[-1:].fill_(value))
    with pytest.raises(ValueError, match=f"a.safetensors: {problem}"):
        salient.load_network(file)
    network = small_network()
    network.state_dict()[key].view(-1)[-1:].fill_(value)
    with pytest.raises(ValueError, match=f"b.safetensors is not written: {problem}"):
        salient.save_network(network, tmp_path / "b.safetensors")
    big = small_network()
    big.out4.weight.data.fill_(1e6)  # beyond 16 bits
    with pytest.raises(ValueError, match="is not written: out4.weight"):
        salient.save_network(big, tmp_path / "b.safetensors", half=True)
    assert not (tmp_path / "b.safetensors").exists()


def test_a_checksum_tells_weights_that_were_changed(tmp_path):
    file = salient.save_network(small_network(), tmp_path / "a.safetensors")
    rewrite(file, lambda state: state["out4.bias"].add_(1e-3), checked=True)
    with pytest.raises(ValueError, match="a.safetensors: damaged: the weights are not those"):
        salient.load_network(file)
    rewrite(file, lambda state: None)  # a file of before checksums
    assert salient.load_network(file).size == 64


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"context": 10**9}, "context must be at most 4096, got 1000000000"),
        ({"context": True}, "context must be an integer, got True"),
        ({"size": 32000}, "size must be at most 2048, got 32000"),
        ({"std": [0, 1, 1]}, "std.0 must be at least 0.001, got"),
        ({"mean": [float("nan")] * 3}, "mean.0 must be a finite number, got"),
        ({"surprise": 1}, "surprise: unknown key"),
        ({"encoder": 5}, "encoder must be a string, got 5"),
        ({"encoder": "hf-hub:someone/something"}, "'hf-hub:someone/something' is not a timm model"),
        ({"encoder": "local-dir:/etc"}, "'local-dir:/etc' is not a timm model"),
        ({"encoder": "resnet10"}, "did you mean resnet10t"),
        ({"context": 4096, "head": 4096}, "of another shape"),  # 3 GB, were it built
    ],
)
def test_what_a_header_asks_for_is_checked_before_it_is_built(
    tmp_path, monkeypatch, change, problem
):
    file = salient.save_network(small_network(), tmp_path / "a.safetensors")
    config = json.loads(read_metadata(file)["network"]) | change
    rewrite(file, lambda state: None, network=json.dumps(config))
    built = []
    before = BoundaryNetwork.__init__

    @functools.wraps(before)
    def watched(*arguments, **options):
        built.append(torch.get_default_device().type)
        before(*arguments, **options)

    monkeypatch.setattr(BoundaryNetwork, "__init__", watched)
    with pytest.raises(ValueError, match=f"a.safetensors.*{problem}"):
        salient.load_network(file)
    assert set(built) <= {"meta"}


def test_a_checkpoint_says_where_it_comes_from_without_control_characters(call, tmp_path):
    bundled = salient.load_network(find_checkpoint()).origin
    assert bundled.endswith("320 px, the bundled weights 'best'")
    file, metadata = tmp_path / "a.safetensors", {"name": "x\x1b[31m", "pairs": 7, "\x07": "\x1b"}
    origin = salient.load_network(salient.save_network(small_network(), file, metadata)).origin
    assert origin.startswith(f"{file}, 64 px, trained as x") and origin.endswith("on 7 pairs")
    shown = call(tmp_path, "weights", "checkpoint=a.safetensors").stdout
    assert origin.isprintable() and all(line.isprintable() for line in shown.splitlines())


class Program:
    def __reduce__(self):
        return os.system, ("touch it-ran",)


@pytest.mark.parametrize("save", [torch.save, lambda x, p: Path(p).write_bytes(pickle.dumps(x))])
def test_a_program_in_a_checkpoint_is_not_run(tmp_path, monkeypatch, save):
    monkeypatch.chdir(tmp_path)
    save({"layer0_1.0.0.weight": Program()}, "evil.bin")
    with pytest.raises(ValueError, match="refused, not run"):
        salient.load_network("evil.bin")
    assert not Path("it-ran").exists()


def test_a_runs_checkpoint_gives_its_averaged_network(run, trained):
    (last,) = (trained / "runs/demo").glob("*/last.ckpt")
    published = salient.load_network(trained / "checkpoints/demo.safetensors").state_dict()
    for key, value in salient.load_network(last).state_dict().items():
        torch.testing.assert_close(value, published[key], rtol=0, atol=0)


CONFIGS = [
    "norm_mean = [0.1, 0.2, 0.3]\nnorm_std = (0.4, 0.5, 0.6)\nnorm_size = [320, 320]\n",
    "import os\nos.system('touch it-ran')\n"
    "model = dict(norm_mean=[0.1, 0.2, 0.3], extra={'norm_std': [0.4, 0.5, 0.6]}, norm_size=320)",
]


@pytest.mark.parametrize("config", CONFIGS)
def test_modelscopes_folder_brings_its_normalisation(
    modelscope_state, tmp_path, monkeypatch, config
):
    monkeypatch.chdir(tmp_path)
    torch.save(modelscope_state, "pytorch_model.bin")
    Path("config.py").write_text(config)
    network = salient.Detector.load(tmp_path, "cpu").engine.network
    assert network.size == 320 and network.config["mean"] == [0.1, 0.2, 0.3]
    assert network.std.flatten().tolist() == pytest.approx([0.4, 0.5, 0.6])
    assert not Path("it-ran").exists()
    Path("config.py").write_text("norm_size = (320, 352)")
    with pytest.raises(ValueError, match=r"config\.py: norm_size is \(320, 352\)"):
        salient.load_network(tmp_path)
    Path("config.py").write_text("norm_mean = open('x')")
    with pytest.raises(ValueError, match=r"config\.py"):
        salient.load_network(tmp_path)
