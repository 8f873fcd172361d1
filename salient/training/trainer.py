"""The Lightning Trainer of a run."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytorch_lightning as pl
import torch
from pydantic import Field
from pytorch_lightning.callbacks import Callback, LearningRateMonitor, ProgressBar
from pytorch_lightning.loggers import Logger

from salient.config import Count, checked, passes_on
from salient.devices import Precision, training_precision
from salient.training.resume import WholeFiles

LIGHTNING = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}  # Lightning's names
NOISE = (
    "You're resuming from a checkpoint that ended before the epoch ended",  # TrainingLoader can
    "It is recommended to use `self.log",  # SaliencyMetrics has summed over processes already
    "The number of training batches .* is smaller than the logging interval",  # Watch adapts it
    ".isinstance.treespec, LeafSpec.. is deprecated",  # Lightning's own affair
    "Checkpoint directory .* exists and is not empty",  # Hydra made it, and writes its log there
)


def quieten() -> None:
    """Keep Lightning's notes and warnings about intended behaviour out of the log."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for noise in NOISE:
        warnings.filterwarnings("ignore", noise)


@checked
@passes_on(pl.Trainer)
def build_trainer(
    callbacks: Sequence[Callback] = (),
    logger: Sequence[Logger] = (),
    accelerator: str = "auto",
    precision: Precision = "auto",
    max_epochs: Annotated[int, Field(ge=1)] | None = 40,
    gradient_clip_val: Annotated[float, Field(gt=0)] | None = 0.5,
    enable_progress_bar: bool = True,
    enable_model_summary: bool = False,
    log_every_n_steps: Count = 10,
    devices: Count | Literal["auto"] | list[int] = 1,
    sync_batchnorm: bool | None = None,
    max_steps: Annotated[int, Field(ge=-1)] = -1,
    plugins: Sequence[Any] = (),
    **lightning: Any,
) -> pl.Trainer:
    """A Trainer.

    Args:
        callbacks: in their order. Progress bars are left out without `enable_progress_bar`, and the
            monitor of rates without a logger.
        logger: the loggers; none by default.
        accelerator: as in Lightning.
        precision: see `training_precision`.
        max_epochs: at least 1, or None if `max_steps` ends the run.
        gradient_clip_val: largest norm of the gradient; None switches clipping off.
        log_every_n_steps: number of steps between two lines of the log.
        devices: how many, which, or all.
        max_steps: number of steps; -1 means that `max_epochs` ends the run.
        plugins: Lightning's plugins, in addition to the writer of checkpoints.
        enable_progress_bar: show the progress bars among the callbacks.
        enable_model_summary: print Lightning's table of the modules.
        sync_batchnorm: compute batch statistics over all processes; by default on GPUs, which are
            the only devices that can.
        lightning: any other argument of `pytorch_lightning.Trainer`.

    Raises:
        ValueError: a value outside its range.
    """
    quieten()
    gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    idle: list[type[Callback]] = [] if enable_progress_bar else [ProgressBar]
    if not logger:
        idle.append(LearningRateMonitor)  # it refuses to run without one
    active = [callback for callback in callbacks if not isinstance(callback, tuple(idle))]
    return pl.Trainer(
        accelerator=accelerator,
        precision=LIGHTNING[training_precision(gpu, precision)],  # type: ignore[arg-type]
        max_epochs=max_epochs,
        gradient_clip_val=gradient_clip_val,
        callbacks=active,
        logger=list(logger) or False,
        enable_progress_bar=enable_progress_bar,
        enable_model_summary=enable_model_summary,
        log_every_n_steps=log_every_n_steps,
        devices=devices,
        max_steps=max_steps,
        plugins=[WholeFiles(), *plugins],
        sync_batchnorm=gpu if sync_batchnorm is None else sync_batchnorm,
        **lightning,
    )
