"""Logs the speed of a run, its gradients, how long it waits for data, and its memory."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.optim import Optimizer

from salient.training.batches import TrainingBatch

LINES = 50  # logged lines in a run, at least, if it has as many steps
GIB = 2**30


@dataclass
class Since:
    """Counts since the last logged line or the start of the epoch: images, steps, clipped steps,
    and seconds spent waiting for a batch. `idle` is the time at which the last step ended.
    """

    begun: float = field(default_factory=time.perf_counter)
    idle: float = field(default_factory=time.perf_counter)
    images: int = 0
    steps: int = 0
    clipped: float | Tensor = 0.0  # on the device, so that no step waits for it
    waited: float = 0.0


class Watch(Callback):
    """Adds these values to every logged line, for every logger.

    | | |
    |---|---|
    | `train/gradient_norm` | of this step, before clipping |
    | `train/clipped` | fraction of the steps that were clipped |
    | `train/images_per_second` | of this process |
    | `system/waiting_for_data` | fraction of the time spent waiting for a batch |
    | `system/memory_gib` | of this process, without its loader's processes |
    | `system/gpu_memory_gib` | PyTorch's peak on a GPU |

    Fractions, speed and peak are measured since the last line, and start again with each epoch and
    after each validation. A short run logs more often than `trainer.log_every_n_steps` says: at
    least LINES lines, or every step.
    """

    def __init__(self) -> None:
        self.since = Since()

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        often = int(trainer.estimated_stepping_batches) // LINES
        if often < _every(trainer):
            trainer.log_every_n_steps = max(often, 1)  # type: ignore[attr-defined]

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        logs = (trainer.global_step + 1) % _every(trainer) == 0
        if not logs and trainer.gradient_clip_val is None:
            return
        norm = torch.nn.utils.get_total_norm(
            [p.grad for p in pl_module.parameters() if p.grad is not None]
        )
        if trainer.gradient_clip_val is not None:
            self.since.steps += 1
            self.since.clipped = self.since.clipped + (norm > float(trainer.gradient_clip_val))
        if logs:
            pl_module.log("train/gradient_norm", norm)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.since = Since()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.since = Since()  # where it stands within an epoch

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.since.waited += time.perf_counter() - self.since.idle

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: TrainingBatch,
        batch_idx: int,
    ) -> None:
        since, now = self.since, time.perf_counter()
        since.images += len(batch.images)
        since.idle = now
        if trainer.global_step % _every(trainer):
            return
        span = now - since.begun
        pl_module.log("train/images_per_second", since.images / span)
        pl_module.log("system/waiting_for_data", since.waited / span)
        pl_module.log("system/memory_gib", process_memory() / GIB)
        if since.steps:
            pl_module.log("train/clipped", since.clipped / since.steps)
        if pl_module.device.type == "cuda":
            pl_module.log("system/gpu_memory_gib", torch.cuda.max_memory_allocated() / GIB)
            torch.cuda.reset_peak_memory_stats()
        self.since = Since()


def process_memory() -> int:
    """Bytes of memory that this process uses; its peak if the system does not report the former."""
    pages = Path("/proc/self/statm")
    if pages.is_file():
        return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        from resource import RUSAGE_SELF, getrusage
    except ModuleNotFoundError:  # Windows
        return 0
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _every(trainer: pl.Trainer) -> int:
    return int(trainer.log_every_n_steps)  # type: ignore[attr-defined]
