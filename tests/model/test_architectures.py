"""Every architecture in a few weights: shapes, training, files, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import salient
from salient import Detector
from salient.detection.by_torch import TorchEngine
from salient.export import check, export_network
from salient.model import ARCHITECTURES, architecture_of
from salient.model.base import Network
from salient.model.boundary import BoundaryNetwork
from salient.model.fpn import FpnNetwork
from salient.model.u2net import U2Net
from salient.training.batches import TrainingBatch
from salient.weights.store import read_metadata
from tests.fixtures.networks import small_network
from tests.fixtures.photos import as_file, draw_disc
from tests.fixtures.runs import task

SMALL: dict[str, Any] = {
    "boundary": small_network,
    "fpn": lambda: FpnNetwork("test_efficientnet", widths=[4, 4, 4], size=64),
    "u2net": lambda: U2Net(
        inner=[2] * 6, outer=[4] * 6, inner_up=[2] * 5, outer_up=[4] * 5, size=64
    ),
}


@pytest.fixture(params=ARCHITECTURES)
def network(request) -> Network:
    torch.manual_seed(0)
    made: Network = SMALL[request.param]()
    return made


def test_outputs_are_logits_of_the_stated_shapes_and_number(network):
    with torch.inference_mode():
        outputs = network.eval()(torch.randn(2, 3, 64, 96))
    assert [x.shape for x in outputs.saliency] == [(2, 1, 64, 96)] * len(network.maps)
    assert (outputs.edge is not None) == network.has_edge
    if outputs.edge is not None:
        assert outputs.edge.shape == (2, 1, 16, 24)
    with pytest.raises(ValueError, match="multiples of 32"):
        network(torch.zeros(1, 3, 33, 64))


def test_a_step_reaches_every_weight_and_names_its_parts(network, monkeypatch):
    module = task(network)
    monkeypatch.setattr(module, "_log_parts", lambda *_, **__: None)
    monkeypatch.setattr(type(module), "global_step", 0)
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    masks = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    masks[..., 16:40, 20:50] = 1
    module.training_step(TrainingBatch(images, masks, ["a", "b"]), 0).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []
    edge = {"edge"} if network.has_edge else set()
    assert module.parts.named.keys() == {*network.maps, *edge}
    grouped = [p for group in module._parameter_groups() for p in group["params"]]
    assert len(grouped) == len(list(network.parameters()))


def test_a_file_gives_the_same_network_back(network, tmp_path):
    file = salient.save_network(network.eval(), tmp_path / "a.safetensors")
    loaded = salient.load_network(file)
    assert read_metadata(file)["architecture"] == architecture_of(network)
    assert type(loaded) is type(network) and loaded.config == network.config
    x = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    for a, b in zip(network(network.normalize(x)).saliency, loaded(loaded.normalize(x)).saliency):
        assert torch.equal(a, b)


def test_sharpening_multiplies_the_finest_maps_logit(network, tmp_path):
    from salient.weights.edit import sharpen_map

    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = network.eval()(image)
        sharpen_map(network, 2)
        after = network(image)
    torch.testing.assert_close(after.saliency[0], 2 * before.saliency[0])
    assert all(map(torch.equal, before.saliency[1:], after.saliency[1:]))


def test_modules_that_are_named_are_there(network):
    for name in (*network.logits, *network.float_before):
        assert network.get_submodule(name).weight.numel()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fpn", "u2net"])  # tests/test_export.py has the other
def test_it_detects_alike_as_onnx_program_and_in_8_bits(name, tmp_path):
    torch.manual_seed(0)
    network = SMALL[name]().eval()
    pictures = [draw_disc(64 + k, 64) for k in range(8)]
    for k, picture in enumerate(pictures):
        (tmp_path / f"{k}.png").write_bytes(as_file(picture))
    (expected,) = Detector(TorchEngine(network)).detect_batch(pictures[:1])
    for file, options, near in (
        ("a.onnx", {}, 1e-4),
        ("a.pt2", {}, 1e-4),
        ("b.onnx", {"int8": str(tmp_path)}, 0.1),
    ):
        path = export_network(network, tmp_path / file, **options)
        if path.suffix == ".onnx":
            found = Detector.load(path)(pictures[0]).probability
            assert np.abs(found - expected.probability).max() < near
        else:
            assert check(network, path, pictures=str(tmp_path)).difference < near


class NoGate(BoundaryNetwork):
    """A class that nobody wrote into ARCHITECTURES."""


def test_a_class_that_is_not_in_the_table_is_not_saved(tmp_path):
    network = small_network(architecture=NoGate)
    with pytest.raises(ValueError, match="NoGate is not in salient.model.ARCHITECTURES"):
        salient.save_network(network, tmp_path / "a.safetensors")
    assert not (tmp_path / "a.safetensors").exists()


def test_an_unknown_architecture_is_refused_and_none_is_boundary(tmp_path):
    from safetensors.torch import save_file

    from salient.tensors import read_tensors

    file = salient.save_network(small_network(), tmp_path / "a.safetensors")
    state, metadata = read_tensors(file)
    del metadata["architecture"]
    save_file(state, file, metadata)
    assert isinstance(salient.load_network(file), BoundaryNetwork)
    save_file(state, file, metadata | {"architecture": "os.system"})
    with pytest.raises(ValueError, match=r"unknown architecture 'os.system'; there are boundary"):
        salient.load_network(file)
