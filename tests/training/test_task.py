"""The Lightning task: groups, schedule, scales, resume, agreement with scoring."""

from __future__ import annotations

import contextlib
import functools
import os
import signal

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import SIGTERMException

from salient.detection.by_torch import TorchEngine
from salient.metrics import HEADLINE
from salient.scoring.score import score_predictions, summarise
from salient.scoring.sources import from_network
from salient.training.run import usual_callbacks
from salient.training.task import SaliencyTask
from salient.training.trainer import build_trainer
from tests.fixtures.networks import small_network
from tests.fixtures.runs import datamodule, task, trainer


def record_losses(module: SaliencyTask) -> list[float]:
    losses: list[float] = []
    step = module.training_step

    @functools.wraps(step)
    def recorded(batch, batch_index):
        loss = step(batch, batch_index)
        losses.append(loss.item())
        return loss

    module.training_step = recorded
    return losses


def test_groups_rates_and_decay(small_network, sample_root, tmp_path):
    module = task(small_network(), encoder_lr_ratio=0.1)
    fit = trainer(tmp_path, max_epochs=1, limit_train_batches=1, limit_val_batches=0)
    fit.fit(module, datamodule(sample_root))
    groups = {g["name"]: g for g in fit.optimizers[0].param_groups}
    assert len(groups) == 4
    for name, group in groups.items():
        assert group["max_lr"] == pytest.approx(0.005 if name.startswith("encoder") else 0.05)
        assert group["weight_decay"] == (0 if "norms" in name else 5e-4)
    counted = sum(len(g["params"]) for g in groups.values())
    assert counted == len(list(module.network.parameters()))


def test_rates_rise_then_fall_to_nothing(small_network, sample_root, tmp_path):
    rates = []

    class Watch(pl.Callback):
        def on_train_batch_start(self, trainer, *_):
            rates.append(trainer.optimizers[0].param_groups[-1]["lr"])

    module = task(small_network(), warmup=0.3)
    fit = trainer(tmp_path, max_epochs=4, limit_train_batches=5, limit_val_batches=0)
    fit.callbacks.append(Watch())
    fit.fit(module, datamodule(sample_root, batch_size=2))
    assert len(rates) == 20 and max(rates) == pytest.approx(0.05, rel=0.01)
    peak = rates.index(max(rates))
    assert 4 <= peak <= 6 and rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True) and rates[-1] < 1e-3


def test_scales_are_drawn_by_step_and_rounded_to_32(small_network):
    module = task(small_network(), scales=(0.64, 0.73, 0.82, 0.91, 1.0))
    images, masks = torch.rand(2, 3, 352, 352), torch.ones(2, 1, 352, 352)
    sides = set()
    for step in range(60):
        type(module).global_step = property(lambda self, step=step: step)
        scaled, scaled_masks = module._scale(images, masks)
        again, _ = module._scale(images, masks)
        assert scaled.shape[2:] == scaled_masks.shape[2:] == again.shape[2:]
        assert (scaled_masks == 1).all()
        sides.add(scaled.shape[-1])
    del type(module).global_step
    assert sides == {224, 256, 288, 320, 352}


def test_progressive_scales_come_in_turn(small_network, sample_root, tmp_path):
    sides = []
    module = task(small_network(), scales=(0.5, 0.5, 1.0), progressive=True)
    module.network.register_forward_pre_hook(
        lambda network, inputs: sides.append(inputs[0].shape[-1]) if network.training else None
    )
    fit = trainer(tmp_path, max_epochs=3, limit_train_batches=2, limit_val_batches=1)
    fit.fit(module, datamodule(sample_root, batch_size=2))
    assert sides == [32] * 4 + [64] * 2


def at_epoch_end(trainer):
    trainer.should_stop = True


def by_sigterm(trainer):
    os.kill(os.getpid(), signal.SIGTERM)


def by_ctrl_c(trainer):
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def uninterrupted(sample_root, tmp_path_factory):
    """Makes a task with the same start each time; the losses and weights of a whole run."""
    torch.manual_seed(0)
    start = small_network().state_dict()

    def fresh() -> SaliencyTask:
        network = small_network()
        network.load_state_dict(start)
        return task(network)

    whole = fresh()
    losses = record_losses(whole)
    folder = tmp_path_factory.mktemp("whole")
    trainer(folder, max_epochs=3).fit(whole, datamodule(sample_root))
    assert len(losses) == 15
    return fresh, losses, whole.network.state_dict()


@pytest.mark.parametrize(
    ("hook", "step", "stop"),
    [
        ("on_train_epoch_end", 5, at_epoch_end),
        ("on_train_batch_start", 2, by_sigterm),
        ("on_train_batch_start", 7, by_ctrl_c),
        ("on_validation_batch_start", 5, by_sigterm),
    ],
)
def test_resume_continues_to_the_same_losses_and_weights(
    uninterrupted, sample_root, tmp_path, hook, step, stop
):
    """Stopped at the end of an epoch, within the first or the second, and while validating."""
    fresh, expected, whole = uninterrupted

    class Stop(pl.Callback):
        def setup(self, *_, **__):
            self.armed = True

    def stop_once(self, trainer, *_):
        if self.armed and not trainer.sanity_checking and trainer.global_step >= step:
            self.armed = False
            stop(trainer)

    setattr(Stop, hook, stop_once)
    begun = fresh()
    losses = record_losses(begun)
    fit = trainer(tmp_path / "halves", max_epochs=3)
    fit.callbacks.append(Stop())
    with contextlib.nullcontext() if stop is at_epoch_end else pytest.raises(SIGTERMException):
        fit.fit(begun, datamodule(sample_root))
    assert len(losses) == (step + 1 if "train_batch" in hook else 5)

    rest = fresh()
    later = record_losses(rest)
    trainer(tmp_path / "halves", max_epochs=3).fit(
        rest, datamodule(sample_root), ckpt_path=tmp_path / "halves/last.ckpt", weights_only=True
    )
    assert losses + later == pytest.approx(expected, rel=1e-4)
    for a, b in zip(rest.network.state_dict().values(), whole.values()):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_training_learns_and_validation_agrees_with_scoring(small_network, sample_root, tmp_path):
    torch.manual_seed(0)
    module, data = (
        task(small_network(), torch.optim.AdamW, encoder_lr_ratio=1.0),
        datamodule(sample_root),
    )
    losses = record_losses(module)
    fit = trainer(tmp_path, max_epochs=6)
    fit.fit(module, data)
    epoch = len(losses) // 6
    assert sum(losses[-epoch:]) < 0.9 * sum(losses[:epoch])
    logged = {k: float(v) for k, v in fit.callback_metrics.items()}
    parts = {
        f"{s}/loss{p}" for s in ("train", "val") for p in ("", "_out4", "_out8", "_area", "_edge")
    }
    assert parts <= logged.keys()
    module.network.eval()  # the averaged weights, as published
    maps = from_network(TorchEngine(module.network), data.validation_pairs, 4, workers=0)
    row, _ = summarise("held out", "ours", score_predictions(maps), {})
    for key in (figure.key for figure in HEADLINE):
        assert logged[f"val/{key}"] == pytest.approx(row.figures[key], abs=1e-6), key


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"warmup": 0.0}, "^warmup must be above 0"),
        ({"encoder_lr_ratio": 0.0}, "^encoder_lr_ratio must be above 0"),
        ({"scales": ()}, "^scales must be one number or more"),
        ({"decay": "step"}, "^decay must be 'cos' or 'linear', got 'step'"),
    ],
)
def test_bad_values_name_their_parameter(small_network, changes, named):
    with pytest.raises(ValueError, match=named):
        task(small_network(), **changes)


@pytest.mark.parametrize(("key", "value"), [("max_epochs", 0), ("gradient_clip_val", 0.0)])
def test_bad_trainer_values_name_their_parameter(tmp_path, key, value):
    with pytest.raises(ValueError, match=rf"^{key} must be"):
        trainer(tmp_path, **{key: value})


def test_a_warm_up_of_one_step_is_a_schedule(small_network, sample_root, tmp_path):
    module = task(small_network(), warmup=0.25)
    fit = trainer(tmp_path, max_epochs=1, limit_train_batches=4, limit_val_batches=0)
    fit.fit(module, datamodule(sample_root))
    assert fit.global_step == 4


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_fused_optimiser_and_clipping_in_every_precision(
    small_network, sample_root, tmp_path, precision
):
    module = task(small_network(), functools.partial(torch.optim.AdamW, fused=True))
    fit = trainer(
        tmp_path,
        max_epochs=1,
        limit_train_batches=1,
        limit_val_batches=0,
        precision=precision,
        gradient_clip_val=0.5,
    )
    fit.fit(module, datamodule(sample_root))
    assert fit.global_step == 1
    assert fit.optimizers[0].defaults["fused"] is (precision == "fp32")


def test_a_run_without_a_logger(small_network, sample_root, tmp_path):
    settings = dict(accelerator="cpu", precision="auto", max_epochs=1, gradient_clip_val=None)
    settings |= dict(devices=1, log_every_n_steps=1)
    settings |= dict(enable_progress_bar=False, limit_train_batches=1, limit_val_batches=1)
    fit = build_trainer(usual_callbacks(tmp_path), [], **settings)
    fit.fit(task(small_network()), datamodule(sample_root))
    assert fit.loggers == [] and (tmp_path / "last.ckpt").is_file()
