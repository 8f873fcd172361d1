"""Callbacks of every run: weight averaging, `last.ckpt`, and the guard against NaN in the loss."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from pydantic import Field
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, WeightAveraging
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor

from salient.config import checked
from salient.files import write_whole
from salient.training.batches import TrainingBatch
from salient.training.losses import LossParts
from salient.training.task import SaliencyTask

Decay = Annotated[float, Field(ge=0, lt=1)]


@checked
def moving_average(decay: Decay = 0.999, warmup: bool = True) -> WeightAveraging:
    """Lightning's weight averaging as an exponential moving average.

    Args:
        decay: of the moving average, per step, in [0, 1).
        warmup: begin with a decay of (1 + n) / (10 + n) at step n, so that a short run does not
            publish its start. Without it, the start still counts `decay ** steps`, so that a few
            pairs do not erase what a checkpoint has learned (averages of both ends do better on
            the pictures of either: Wortsman 2022, "Robust fine-tuning of zero-shot models").

    Raises:
        ValueError: `decay` is not in [0, 1).
    """

    @torch.no_grad()
    def update(averages: Sequence[Tensor], current: Sequence[Tensor], count: Tensor) -> None:
        if not averages[0].is_floating_point():  # batch norm's counters
            torch._foreach_copy_(list(averages), list(current))
            return
        rising = (1 + count) / (10 + count) if warmup else torch.ones_like(count, dtype=torch.float)
        weight = 1 - torch.clamp(rising, max=decay)
        difference = torch._foreach_sub(list(current), list(averages))
        torch._foreach_mul_(difference, weight.to(averages[0].dtype))
        torch._foreach_add_(list(averages), difference)

    return WeightAveraging(multi_avg_fn=update)


class LastCheckpoint(ModelCheckpoint):
    """Keeps `last.ckpt` in a folder: after every epoch, and when SIGTERM or Ctrl-C ends the run.

    Both let the current step finish; a second Ctrl-C ends the run at once. The file is replaced
    completely or not at all.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder, "last", enable_version_counter=False, save_on_exception=True)
        self.path = Path(folder) / "last.ckpt"  # best_model_path is an older run's after a resume
        self.begun = False  # True once a resumed run has restored its state

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_fit_start(trainer, pl_module)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _interrupt_after_step)

    def on_sanity_check_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.begun = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self.begun = True

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        if isinstance(exception, SIGTERMException):  # anything else may have spoilt the weights
            super().on_exception(trainer, pl_module, exception)


def _interrupt_after_step(number: int, frame: Any) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("\nfinishing this step, then saving; Ctrl-C again stops at once", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)  # which Lightning answers at the end of the step


class NonFiniteLossError(ValueError):
    """A loss that is NaN or infinite; the message names the step, the part and the pictures."""


class FiniteGuard(Callback):
    """Ends the run when the loss is not finite, before the step or (on a GPU) one step later.

    On a GPU the loss is checked when the next step begins, so that no step waits for it. The step,
    the parts of the loss, names, images, masks and the network's weights go to
    `nonfinite-<rank>.pt` in the run's folder. `last.ckpt` stays as it was.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.last: tuple[int, TrainingBatch, LossParts] | None = None

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        assert isinstance(pl_module, SaliencyTask) and pl_module.parts and self.batch
        self.last = trainer.global_step, self.batch, pl_module.parts
        if pl_module.device.type == "cpu":
            self._look(pl_module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: TrainingBatch, index: int
    ) -> None:
        self._look(pl_module)
        self.batch = batch

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look(pl_module)  # before LastCheckpoint saves

    def _look(self, module: pl.LightningModule) -> None:
        if self.last is None or math.isfinite(self.last[2].total):
            return
        step, batch, parts = self.last
        values = {"total": float(parts.total)} | {k: float(x) for k, x in parts.named.items()}
        path = self.folder / f"nonfinite-{module.global_rank}.pt"
        content = {"step": step, "parts": values, "names": list(batch.names)}
        content |= {"images": batch.images.cpu(), "masks": batch.masks.cpu()}
        buffer = BytesIO()
        torch.save(content | {"network": module.network.state_dict()}, buffer)  # type: ignore[operator, union-attr]
        write_whole(path, buffer.getvalue())
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        raise NonFiniteLossError(
            f"the loss is not finite at step {step}: {', '.join(bad)}; pictures "
            f"{', '.join(batch.names)}. These and the weights are saved in {path}. Try a lower "
            "learning rate, or the trainer's precision=fp32"
        )
