"""Networks to and from files, against ModelScope's own outputs and with files made here."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import salient
from salient.model.encoder import Encoder
from salient.model.network import SaliencyNetwork
from salient.weights import read_metadata

ORACLE = Path(__file__).parent / "oracle" / "modelscope"


@pytest.fixture(scope="module")
def modelscope_state() -> dict[str, torch.Tensor]:
    spec = importlib.util.spec_from_file_location("fill", ORACLE / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    keys = json.loads((ORACLE / "keys.json").read_text())
    return {name: torch.from_numpy(np.asarray(x)) for name, x in module.fill(keys, seed=0).items()}


def small_network(**changes) -> SaliencyNetwork:
    widths = dict(context=16, branch=8, head=8, fine=(8, 16), group=8, enhance=8, size=64)
    return SaliencyNetwork(Encoder("resnet10t", "none"), **(widths | changes))


# In float64 only the golden's own float32 rounding is left, 5e-6. In float32, through 100 layers of
# random weights, the order of the sums alone moves it by up to 1.5e-5: it differs between
# processors, and even with the number of threads.
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.float32, 3e-5)])
def test_golden_outputs_of_modelscope(modelscope_state, tmp_path, dtype, tolerance):
    path = tmp_path / "pytorch_model.bin"
    torch.save(modelscope_state, path)
    network = salient.load_network(path).to(dtype)
    golden = np.load(ORACLE / "golden.npz")
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
