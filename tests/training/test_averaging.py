"""The moving average of the weights, against its formula."""

from __future__ import annotations

import pytest
import torch

from salient.training.callbacks import moving_average


def test_moving_average_starts_without_memory_of_the_initial_weights():
    update = moving_average(0.9, warmup=True)._kwargs["multi_avg_fn"]
    average, count = [torch.tensor([100.0])], torch.tensor(1)
    expected = 100.0
    for n in range(1, 40):
        update(average, [torch.tensor([1.0])], count)
        decay = min(0.9, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * 1.0
        count += 1
    assert average[0].item() == pytest.approx(expected, rel=1e-5)
    assert average[0].item() < 2  # an average at .9 throughout would still stand at 2.6
    counters = [torch.tensor(3)]
    update(counters, [torch.tensor(8)], count)
    assert counters[0].item() == 8


def test_moving_average_without_warmup_keeps_its_start_by_decay_to_the_power_of_the_steps():
    update = moving_average(0.9, warmup=False)._kwargs["multi_avg_fn"]
    average = [torch.tensor([100.0])]
    for n in range(1, 21):
        update(average, [torch.tensor([0.0])], torch.tensor(n))
    assert average[0].item() == pytest.approx(100 * 0.9**20, rel=1e-5)


def test_a_decay_outside_its_range_names_its_key():
    with pytest.raises(ValueError, match="decay must be below 1"):
        moving_average(1.0, warmup=True)
