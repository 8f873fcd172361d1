"""The worst pictures of a batch left out of the loss."""

from __future__ import annotations

import pytest
import torch

from salient.model.base import Outputs
from salient.training.losses import SaliencyLoss
from salient.training.trimming import best_learnt, left_out, select
from tests.fixtures import runs


@pytest.mark.parametrize(("size", "share"), [(16, 0.03), (32, 0.03), (7, 0.25), (8, 0.125)])
def test_the_share_is_met_over_the_steps(size, share):
    counts = [left_out(step, size, share) for step in range(200)]
    assert sum(counts) == round(200 * size * share)
    assert max(counts) - min(counts) <= 1
    assert left_out(5, size, 0) == 0


def batch():
    """Four pictures; the logits of the third contradict its mask, those of the first are weak."""
    mask = torch.zeros(4, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    logit = 8 * mask - 4
    logit[0] *= 0.1
    logit[2] *= -1
    return Outputs((logit, logit), logit[..., ::4, ::4]), mask


def test_the_worst_are_left_out_by_the_finest_map():
    outputs, mask = batch()
    loss = SaliencyLoss()
    for count, kept in ((0, [0, 1, 2, 3]), (1, [0, 1, 3]), (2, [1, 3])):
        assert best_learnt(loss, outputs, mask, mask, count).tolist() == kept
    some = select(outputs, torch.tensor([1, 3]))
    assert torch.equal(some.saliency[1], outputs.saliency[1][[1, 3]])
    assert torch.equal(some.edge, outputs.edge[[1, 3]])
    assert select(Outputs(outputs.saliency), torch.tensor([0])).edge is None


def test_any_region_loss_is_asked():
    """By a loss that likes contradictions the weak one is the worst... but for the right ones."""
    outputs, mask = batch()
    loss = SaliencyLoss(region=lambda logit, label, weight: (logit * (2 * label - 1)).mean())
    assert best_learnt(loss, outputs, mask, mask, 2).tolist() == [0, 2]


def test_training_leaves_them_out_after_its_passes(sample_root, small_network):
    network = small_network().train()
    data = runs.datamodule(sample_root)
    data.setup()
    sample = next(iter(data.train_dataloader()))
    outputs = network(network.normalize(sample.images))
    masks = sample.masks.float()
    count = len(masks)
    kept = best_learnt(SaliencyLoss(), outputs, masks, masks, 4)
    expected = SaliencyLoss()(select(outputs, kept), masks[kept], masks[kept], network.maps).total

    class Fit:  # what the task asks its trainer
        current_epoch, global_step, estimated_stepping_batches = 3, 0, 100
        precision = "32-true"

    for after, total in (
        (3, expected),
        (4, SaliencyLoss()(outputs, masks, maps=network.maps).total),
    ):
        task = runs.task(network, scales=[1], trim=4 / count, trim_after=after)
        task._trainer, task.log, task.log_dict = Fit, lambda *a, **b: None, lambda *a, **b: None
        assert task.training_step(sample, 0).item() == pytest.approx(total.item(), rel=1e-5)
