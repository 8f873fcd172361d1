"""Distillation: labels between the mask and what the teachers say, teachers left as they are."""

from __future__ import annotations

import pytest
import torch

from salient.training.teacher import Teacher
from salient.weights.store import load_network, save_network
from tests.fixtures.runs import datamodule, task, trainer


@pytest.fixture
def files(tmp_path, small_network) -> list[str]:
    paths = [tmp_path / f"{name}.safetensors" for name in "ab"]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        save_network(small_network(), path)
    return [str(path) for path in paths]


def test_labels_are_mixed_from_mask_and_mean_logit(files):
    images = torch.rand(2, 3, 64, 64) * 255
    masks = (torch.rand(2, 1, 64, 64) > 0.5).float()
    with torch.no_grad():
        networks = [load_network(file).eval() for file in files]
        first, second = (n(n.normalize(images)).saliency[0] for n in networks)
    expected = 0.75 * masks + 0.25 * torch.sigmoid((first + second) / 2)
    labels = Teacher(files, share=0.25).soften(images, masks)
    torch.testing.assert_close(labels, expected)
    assert not labels.requires_grad


def test_teachers_are_neither_trained_nor_saved(files, small_network, sample_root, tmp_path):
    teacher = Teacher(files, share=1)
    kept = {k: v.clone() for k, v in teacher.networks[0].state_dict().items()}
    module = task(small_network(), teacher=teacher)
    fit = trainer(tmp_path, max_epochs=1, limit_train_batches=2, limit_val_batches=0)
    fit.fit(module, datamodule(sample_root))
    for key, value in teacher.networks[0].state_dict().items():
        assert torch.equal(value, kept[key])
    assert set(module.state_dict()) == set(task(small_network()).state_dict())


def test_the_label_is_what_a_step_learns(files, small_network, sample_root, monkeypatch, tmp_path):
    """A teacher that turns every mask round gives other parts of the loss than none."""

    def contradict(self, images, masks):
        assert -0.01 < images.min() < 50 and 200 < images.max() < 255.01  # RGB, not normalised
        return 1 - masks

    monkeypatch.setattr(Teacher, "soften", contradict)
    losses = []
    for teacher in (None, Teacher(files, share=1)):
        torch.manual_seed(0)
        module = task(small_network(), teacher=teacher)
        fit = trainer(tmp_path, max_epochs=1, limit_train_batches=1, limit_val_batches=0)
        fit.fit(module, datamodule(sample_root))
        losses.append(module.parts)
    assert losses[0].area != pytest.approx(float(losses[1].area), abs=0.1)
    assert losses[0].edge == pytest.approx(float(losses[1].edge))  # the mask's, as ever


@pytest.mark.parametrize(
    ("checkpoints", "share", "error", "named"),
    [
        ([], 0.5, ValueError, "model.teacher.checkpoints"),
        (["best"], 0, ValueError, "model.teacher.share"),
        (["best"], 1.5, ValueError, "model.teacher.share"),
        (["gone.safetensors"], 0.5, FileNotFoundError, "model.teacher.checkpoints=gone"),
    ],
)
def test_bad_values_name_their_key(checkpoints, share, error, named):
    with pytest.raises(error, match=named):
        Teacher(checkpoints, share)
