"""The Lightning Trainer of a run: precision, checkpoints, logs, weight averaging."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, LearningRateMonitor
from pytorch_lightning.loggers import TensorBoardLogger

from salient.callbacks import LastCheckpoint, PicturePanel, moving_average

for noise in (
    "You're resuming from a checkpoint that ended before the epoch ended",  # TrainingLoader can
    "Checkpoint directory .* exists and is not empty",  # Hydra made it, and writes its log there
):
    warnings.filterwarnings("ignore", noise)


def build_trainer(
    folder: str = "runs",
    accelerator: str = "auto",
    devices: int | str = 1,
    precision: Literal["auto", "32-true", "16-mixed", "bf16-mixed"] = "auto",
    max_epochs: int = 40,
    clip: float | None = 0.5,
    ema: float = 0.999,
    panel_rows: int = 8,
    progress: bool = True,
    **lightning: Any,
) -> pl.Trainer:
    """A Trainer that logs to TensorBoard and keeps `last.ckpt` in `folder`.

    Args:
        folder: the run's folder.
        accelerator, devices: as Lightning's.
        precision: `auto` is bf16 on a GPU, fp16 where it lacks bf16, float32 on a CPU.
        max_epochs: at least 1.
        clip: largest norm of the gradient; None switches clipping off.
        ema: decay of the published moving average of the weights a step, in [0, 1).
        panel_rows: pictures in TensorBoard's panel.
        progress: show the progress bar.
        lightning: any other argument of `pytorch_lightning.Trainer`.

    Raises:
        ValueError: a value outside its range.
    """
    if max_epochs < 1:
        raise ValueError(f"trainer.max_epochs must be at least 1, got {max_epochs}")
    if clip is not None and clip <= 0:
        raise ValueError(f"trainer.clip must be above 0 or null, got {clip}")
    callbacks: list[Callback] = [
        moving_average(ema),  # before the panel, which shows the averaged weights
        LastCheckpoint(folder),
        LearningRateMonitor(),
        PicturePanel(panel_rows),
    ]
    return pl.Trainer(
        accelerator=accelerator,
        devices=devices,
        precision=_precision(accelerator) if precision == "auto" else precision,
        max_epochs=max_epochs,
        gradient_clip_val=clip,
        callbacks=callbacks,
        logger=TensorBoardLogger(folder, name="", version=""),
        enable_progress_bar=progress,
        **lightning,
    )


def _precision(accelerator: str) -> Literal["32-true", "16-mixed", "bf16-mixed"]:
    if accelerator not in ("auto", "gpu", "cuda") or not torch.cuda.is_available():
        return "32-true"
    # Emulated bf16 is slower than fp16, and cards before Ampere only emulate it.
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"
