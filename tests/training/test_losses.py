"""Losses against their definitions written out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from salient.metrics import SaliencyMetrics
from salient.training.losses import (
    SaliencyLoss,
    boundary_target,
    boundary_weights,
    edge_loss,
    measure_loss,
    region_loss,
    uniform_weights,
)


def structure_loss(logit, mask):
    return region_loss(logit, mask, boundary_weights(mask))


def bce_iou_loss(logit, mask):
    return region_loss(logit, mask, uniform_weights(mask))


def loss_with_measure(logit, mask):
    return region_loss(logit, mask, boundary_weights(mask), measure=2)


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


@pytest.mark.parametrize("loss", [structure_loss, bce_iou_loss, loss_with_measure, edge_loss])
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


def test_total_is_the_weighted_sum_and_stays_float32_under_autocast():
    torch.manual_seed(0)
    mask, edge = square(), torch.randn(1, 1, 16, 16)
    saliency = [torch.randn(1, 1, 64, 64) for _ in range(3)]
    parts = SaliencyLoss(edge=2)(saliency, edge, mask)
    expected = parts.out4 + parts.out8 / 2 + parts.area / 4 + 2 * parts.edge
    torch.testing.assert_close(parts.total, expected)
    with torch.autocast("cpu", torch.bfloat16):
        half = SaliencyLoss()([x.bfloat16() for x in saliency], edge.bfloat16(), mask)
    assert half.total.dtype == torch.float32 and torch.isfinite(half.total)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"saliency": (1, 1)}, "^saliency must be three"),
        ({"edge": -1}, "^edge must be at least 0"),
        ({"edge_width": 4}, "^edge_width must be odd"),
    ],
)
def test_bad_values_name_their_parameter(arguments, named):
    with pytest.raises(ValueError, match=named):
        SaliencyLoss(**arguments)
