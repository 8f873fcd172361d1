"""Losses against their definitions written out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from salient.metrics import SaliencyMetrics
from salient.model.base import Outputs
from salient.model.boundary import BoundaryNetwork
from salient.training.losses import (
    SaliencyLoss,
    Term,
    boundary_target,
    boundary_weights,
    edge_loss,
    measure_loss,
    region_loss,
    structure_term,
    uniform_weights,
)


def structure_loss(logit, mask):
    return region_loss(logit, mask, boundary_weights(mask))


def bce_iou_loss(logit, mask):
    return region_loss(logit, mask, uniform_weights(mask))


def structure_measure(logit, mask):
    return structure_term(logit, mask, boundary_weights(mask))


def square(size=64, low=16, high=48) -> torch.Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., low:high, low:high] = 1
    return mask


def test_boundary_is_a_band_on_both_sides_and_spares_the_border():
    edge = boundary_target(square(), 5)[0, 0]
    assert edge[32, 12:20].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert boundary_target(torch.ones(1, 1, 32, 32)).sum() == 0
    touching = torch.zeros(1, 1, 32, 32)
    touching[..., :16] = 1
    assert boundary_target(touching)[0, 0, 0].nonzero().flatten().tolist() == [14, 15, 16, 17]


def test_structure_loss_by_hand_on_a_uniform_logit():
    """At logit 0 the BCE is ln 2 under any weights, and the weighted IoU has a closed form."""
    mask = square()
    local = torch.nn.functional.avg_pool2d(mask, 31, 1, 15, count_include_pad=False)
    weight = 1 + 5 * (local - mask).abs()
    both, total = (0.5 * weight * mask).sum(), (weight * (0.5 + mask)).sum()
    expected = math.log(2) + 1 - (both + 1) / (total - both + 1)
    torch.testing.assert_close(structure_loss(torch.zeros_like(mask), mask), expected)


def test_pixel_weights_are_true():
    """A mistake at the boundary costs more than one far off; cancelled weights make them equal."""
    mask = square()
    right = (mask * 2 - 1) * 4
    near, far = right.clone(), right.clone()
    near[..., 20:24, 15] *= -1
    far[..., 20:24, 2] *= -1
    base = structure_loss(right, mask)
    assert structure_loss(near, mask) - base > 1.5 * (structure_loss(far, mask) - base)
    assert bce_iou_loss(near, mask) == pytest.approx(float(bce_iou_loss(far, mask)), rel=1e-5)


@pytest.mark.parametrize("loss", [structure_loss, bce_iou_loss, structure_measure, edge_loss])
@pytest.mark.parametrize("mask", [torch.zeros(2, 1, 32, 32), torch.ones(2, 1, 32, 32), square(32)])
def test_losses_are_finite_and_a_right_answer_costs_least(loss, mask):
    right, wrong = (mask * 2 - 1) * 12, (1 - mask * 2) * 12
    costs = [float(loss(x, mask)) for x in (right, torch.zeros_like(mask), wrong)]
    assert all(map(math.isfinite, costs)) and costs == sorted(costs) and costs[0] < 0.02


def blobs(rows: int, columns: int, seed: int) -> torch.Tensor:
    """A smooth random field of 97 x 131."""
    field = torch.randn(1, 1, rows, columns, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(field, (97, 131), mode="bicubic")


@pytest.mark.parametrize("seed", range(6))
def test_measure_loss_is_one_minus_the_metric(seed):
    mask = (blobs(5, 6, seed) > 0.2).float()
    field = blobs(8, 9, seed + 50) + 1.5 * mask
    probability = (field - field.min()) / (field.max() - field.min())  # as the metric takes it
    metric = SaliencyMetrics()
    bytes_of = [(x[0, 0] * 255).round().byte().numpy() for x in (probability, mask)]
    metric.update(*bytes_of)
    expected = 1 - float(metric.compute()["sm"])
    assert 0.1 < expected < 0.9
    assert float(measure_loss(probability, mask)) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_measure_loss_of_a_mask_of_one_kind_is_the_mean_error(value):
    constant = torch.full((2, 1, 32, 32), value)
    assert float(measure_loss(constant, torch.zeros(2, 1, 32, 32))) == pytest.approx(value)
    assert float(measure_loss(constant, torch.ones(2, 1, 32, 32))) == pytest.approx(1 - value)


def test_measure_loss_lets_no_quadrant_go():
    """False greys in a quadrant of background alone: the exact measure has no slope there."""
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:32] = 1
    mask[..., 16:24, 32:40] = 1
    probability = (mask * 0.9 + 0.05 * blobs(8, 8, 1)[..., :64, :64].abs()).requires_grad_()
    measure_loss(probability, mask).backward()
    assert (probability.grad[..., 48:, 48:] > 0).all()
    assert torch.isfinite(probability.grad).all()


def test_edge_loss_balances_classes():
    """One missed edge pixel in a picture with few costs more than one false alarm."""
    target = torch.zeros(1, 1, 32, 32)
    target[..., 16, :] = 1
    right = (target * 2 - 1) * 6
    missed, false = right.clone(), right.clone()
    missed[..., 16, 5] *= -1
    false[..., 3, 5] *= -1
    assert edge_loss(missed, target) > 2 * edge_loss(false, target) - edge_loss(right, target)


def logits(count: int, edge: bool) -> Outputs:
    torch.manual_seed(0)
    maps = tuple(torch.randn(1, 1, 64, 64) for _ in range(count))
    return Outputs(maps, torch.randn(1, 1, 16, 16) if edge else None)


def test_total_is_the_weighted_sum_and_stays_float32_under_autocast():
    outputs, mask = logits(3, edge=True), square()
    total, named = SaliencyLoss(edge=2)(outputs, mask, maps=BoundaryNetwork.maps)
    expected = named["out4"] + named["out8"] / 2 + named["area"] / 4 + 2 * named["edge"]
    torch.testing.assert_close(total, expected)
    with torch.autocast("cpu", torch.bfloat16):
        half = Outputs(tuple(x.bfloat16() for x in outputs.saliency), outputs.edge.bfloat16())
        parts = SaliencyLoss()(half, mask)
    assert parts.total.dtype == torch.float32 and torch.isfinite(parts.total)


@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_maps_and_no_edge(count):
    outputs, mask = logits(count, edge=False), square()
    total, named = SaliencyLoss()(outputs, mask, maps={f"m{k}": 1 for k in range(count)})
    assert list(named) == [f"m{k}" for k in range(count)]
    torch.testing.assert_close(total, sum(named.values()))
    total, _ = SaliencyLoss(saliency=[2] * count)(outputs, mask)
    torch.testing.assert_close(total, 2 * sum(named.values()))
    halved, _ = SaliencyLoss()(outputs, mask)  # by itself, from fine to coarse
    parts = (x / 2**k for k, x in enumerate(named.values()))
    torch.testing.assert_close(halved, sum(parts))


def test_weights_for_another_number_of_maps_are_refused():
    loss = SaliencyLoss(saliency=[1, 1])
    with pytest.raises(ValueError, match="saliency: 2 weights for 3 maps: out4, out8, area"):
        loss.weights(BoundaryNetwork.maps)


def test_a_term_is_added_to_each_map_and_reported_of_the_finest():
    outputs, mask = logits(2, edge=False), square()
    with_term = SaliencyLoss(terms={"structure": Term(structure_term, weight=2)})(outputs, mask)
    without = SaliencyLoss()(outputs, mask)
    values = [structure_term(x, mask, mask) for x in outputs.saliency]
    for name, value in zip(("map1", "map2"), values, strict=True):
        torch.testing.assert_close(with_term.named[name], without.named[name] + 2 * value)
    assert with_term.named["structure"] == values[0]


def test_the_label_is_what_the_maps_learn_and_the_edge_is_the_masks():
    outputs, mask = logits(3, edge=True), square()
    soft = 0.25 + mask / 2
    hard, softened = (SaliencyLoss()(outputs, mask, x).named for x in (None, soft))
    assert softened["edge"] == hard["edge"]
    weights = boundary_weights(mask)
    assert softened["map1"] == region_loss(outputs.saliency[0], soft, weights) != hard["map1"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"saliency": (1, -1)}, "^saliency.1 must be at least 0, got"),
        ({"edge": -1}, "^edge must be at least 0, got -1"),
        ({"edge_width": 4}, "^edge_width must be odd, got 4"),
    ],
)
def test_bad_values_name_their_parameter(arguments, named):
    with pytest.raises(ValueError, match=named):
        SaliencyLoss(**arguments)
