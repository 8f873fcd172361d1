"""Before and after: the differences, the verdict, and what is left in the folder."""

from __future__ import annotations

import json

import pytest
import torch

from salient import save_network
from salient.data.pairs import find_pairs
from salient.metrics import HEADLINE
from salient.scoring.comparison import Change, compare, verdict
from salient.weights.find import read_checkpoint

MAE, SM, *_ = HEADLINE


@pytest.mark.parametrize(
    ("mae", "sm", "said"),
    [
        ((-0.02, -0.03, -0.01), (0.02, 0.01, 0.03), "Better in every figure, and no interval"),
        ((-0.02, -0.05, 0.01), (0.02, 0.01, 0.03), "may be chance in MAE: the interval contains 0"),
        ((-0.02, -0.03, -0.01), (-0.01, -0.02, 0.03), "NOT BETTER in Sm."),
        ((0.02, 0.01, 0.03), (-0.02, -0.03, -0.01), "NOT BETTER in MAE, Sm."),
        ((-0.00004, -0.0001, 0.0), (0.0, 0.0, 0.0), "NOT BETTER in MAE, Sm."),
    ],
)
def test_the_verdict_is_plain(mae, sm, said):
    assert said in verdict([Change(MAE, *mae), Change(SM, *sm)])


@pytest.fixture(scope="module")
def pairs(sample_root):
    folder = sample_root / "sample/test"
    return find_pairs(folder / "images", folder / "masks")[:6]


def test_both_are_scored_on_the_pairs_and_shown(small_network, pairs, tmp_path):
    torch.manual_seed(0)
    before, after = small_network().eval(), small_network(size=96).eval()
    file = read_checkpoint(save_network(after, tmp_path / "after.safetensors"))
    told = compare(
        before, after, pairs, "mine", tmp_path / "out", tmp_path / "maps", {}, file, workers=0
    ).words
    results = json.loads((tmp_path / "out/results.json").read_text())
    first, last = results["rows"]
    assert (first["method"], last["method"]) == ("before", "after") and last["pairs"] == 6
    for figure in HEADLINE:
        assert f"{figure.label} {last[figure.key] - first[figure.key]:+.4f} (" in told
    assert (
        results["verdict"] in told and results["verdict"] in (tmp_path / "out/table.md").read_text()
    )
    page = (tmp_path / "out/report.html").read_text()
    assert all(f">{name}</th>" in page for name in ("before", "after")) and "interval" in page
    for name in ("before", "after"):
        assert sorted(p.stem for p in (tmp_path / "maps" / name).iterdir()) == [
            pair.name for pair in pairs
        ]


def test_the_same_network_twice_is_not_better(small_network, pairs, tmp_path):
    network = small_network().eval()
    file = read_checkpoint(save_network(network, tmp_path / "same.safetensors"))
    folder = tmp_path / "out"
    told = compare(
        network, network, pairs, "mine", folder, folder / "maps", {}, file, workers=0
    ).words
    assert "MAE +0.0000 (+0.0000 to +0.0000)" in told
    assert "NOT BETTER in MAE, Sm, max F, weighted F." in told
