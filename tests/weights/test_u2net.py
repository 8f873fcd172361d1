"""U-2-Net's authors' checkpoints: their outputs to 1e-5, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import salient
from tests.fixtures.commands import ROOT
from tests.fixtures.modelscope import filled

ORACLE = ROOT / "tests/oracle/u2net"


def theirs(name: str) -> dict[str, Any]:
    """A state dict with their names, filled by the oracle's `fill.py`."""
    return filled(ORACLE / f"{name}_keys.json")


@pytest.mark.parametrize(("name", "millions"), [("u2net", 44.01), ("u2netp", 1.13)])
def test_golden_outputs_of_u2net(tmp_path, name, millions):
    torch.save(theirs(name), tmp_path / f"{name}.pth")
    network = salient.load_network(tmp_path / f"{name}.pth").double()
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
    assert network.size == 320 and network.origin.endswith("320 px, U-2-Net's")
    golden = np.load(ORACLE / f"{name}_golden.npz")
    with torch.inference_mode():
        outputs = network(torch.from_numpy(golden["input"]).double())
    assert outputs.edge is None and len(outputs.saliency) == 7
    for key, place in (("d0", 0), ("d1", 1), ("d6", 6)):
        probability = torch.sigmoid(outputs.saliency[place]).numpy()
        assert np.abs(probability - golden[key]).max() <= 1e-5, key


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda s: s.pop("stage3d.rebnconv2d.bn_s1.bias"), "missing.*up.2.up.1.bn.bias"),
        (lambda s: s.update(surprise=torch.zeros(1)), "left over.*surprise"),
        (lambda s: s.pop("stage6.rebnconv1.conv_s1.weight"), "stage6.rebnconv1.*is missing"),
        (lambda s: s.update({"outconv.weight": torch.zeros(3)}), "another shape.*fuse.weight"),
    ],
)
def test_a_wrong_file_of_theirs_is_refused_by_key(tmp_path, change, problem):
    state = theirs("u2netp")
    change(state)
    torch.save(state, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match=f"wrong.pth.*{problem}"):
        salient.load_network(tmp_path / "wrong.pth")
