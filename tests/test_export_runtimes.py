"""Further runtimes give PyTorch's maps, where they are installed; one file in one test each."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from salient.export import FORMATS, check, export_network
from salient.export.pictures import examples
from salient.export.runtimes import files_of
from tests.fixtures.networks import small_network

PACKAGES = {
    ".xml": ("openvino",),
    ".mlpackage": ("coremltools",),
    ".param": ("pnnx", "ncnn"),
}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return small_network(group=1024).eval()


@pytest.mark.parametrize("ending", PACKAGES)
def test_it_gives_the_same_maps(network, tmp_path, ending):
    for package in PACKAGES[ending]:
        pytest.importorskip(package, reason=f"not installed: {package}")
    path = export_network(network, tmp_path / f"a.b{ending}")
    checked = check(network, path)
    if FORMATS[ending].runner is None:
        import coremltools

        described = coremltools.models.MLModel(str(path), skip_model_load=True).get_spec()
        assert [x.name for x in described.description.input] == ["image"]
        assert [x.name for x in described.description.output] == ["saliency", "edge"]
        assert checked.pictures == 0 and math.isnan(checked.difference)
    else:
        assert checked.pictures == 2 and checked.difference < 1e-3 and checked.runtime_ms > 0


def test_pictures_are_of_the_networks_size_where_it_is_fixed(network):
    assert {x.shape for x in examples(network, None, fixed=True)} == {(1, 3, 64, 64)}
    assert len({x.shape for x in examples(network, None)}) == 2


def test_several_files_are_written_by_their_endings(network, tmp_path, monkeypatch):
    files = {".param": b"7767517", ".bin": b"weights"}
    stand_in = FORMATS[".param"]._replace(write=lambda *_: files)
    monkeypatch.setitem(FORMATS, ".param", stand_in)
    assert export_network(network, tmp_path / "a.b.param") == tmp_path / "a.b.param"
    assert files_of(tmp_path, "a.b") == dict(sorted(files.items()))


def test_nothing_is_compared_where_nothing_runs_it(network, tmp_path, monkeypatch):
    files = {".mlpackage/Manifest.json": b"{}"}
    monkeypatch.setitem(
        FORMATS, ".mlpackage", FORMATS[".mlpackage"]._replace(write=lambda *_: files)
    )
    path = export_network(network, tmp_path / "a.mlpackage")
    assert (path / "Manifest.json").read_bytes() == b"{}"
    checked = check(network, path)
    assert checked.pictures == 0 and np.isnan(checked.runtime_ms) and checked.pytorch_ms > 0
