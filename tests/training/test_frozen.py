"""What stays of a checkpoint while the rest learns."""

from __future__ import annotations

import pytest
import torch

from salient.training.frozen import Frozen
from tests.fixtures.runs import datamodule, task, trainer


def learn(network, sample_root, folder, frozen: Frozen) -> dict[str, bool]:
    """Train for a few steps and a validation; whether each tensor of the network changed."""
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.train()
    fit = trainer(folder, max_epochs=2, limit_train_batches=2, limit_val_batches=1)
    fit.callbacks.insert(0, frozen)
    fit.fit(task(network), datamodule(sample_root))
    return {key: not torch.equal(value, before[key]) for key, value in network.state_dict().items()}


def test_a_part_keeps_weights_and_statistics_and_the_rest_learns(
    small_network, sample_root, tmp_path
):
    changed = learn(small_network(), sample_root, tmp_path, Frozen(["encoder", "out8"]))
    assert not any(changed[key] for key in changed if key.startswith(("encoder.", "out8.")))
    rest = [key for key in changed if not key.startswith(("encoder.", "out8."))]
    assert any(changed[key] for key in rest if "running_mean" in key)
    assert sum(changed[key] for key in rest) > 0.5 * len(rest)  # some units are dead


def test_statistics_stay_while_every_weight_learns(small_network, sample_root, tmp_path):
    changed = learn(small_network(), sample_root, tmp_path, Frozen(statistics=True))
    statistics = {key for key in changed if "running_" in key or "num_batches" in key}
    assert len(statistics) > 50 and not any(changed[key] for key in statistics)
    rest = changed.keys() - statistics
    assert sum(changed[key] for key in rest) > 0.5 * len(rest)  # some units are dead


def test_a_part_that_is_not_there_is_named(small_network, sample_root, tmp_path):
    with pytest.raises(ValueError, match=r"parts: the network has no 'encoder.layer9'"):
        learn(small_network(), sample_root, tmp_path, Frozen(["encoder.layer9"]))
