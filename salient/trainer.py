"""The Lightning Trainer of a run: precision, checkpoints, logs, weight averaging."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, LearningRateMonitor, Timer, TQDMProgressBar
from pytorch_lightning.loggers import TensorBoardLogger

from salient.callbacks import FiniteGuard, LastCheckpoint, moving_average
from salient.watch import CurvesPlot, PicturePanel, Watch
from salient.weights import package_versions

for noise in (
    "You're resuming from a checkpoint that ended before the epoch ended",  # TrainingLoader can
    "It is recommended to use `self.log",  # SaliencyMetrics has summed over processes already
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
    sync_batchnorm: bool | None = None,
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
        sync_batchnorm: batch statistics over all processes; where None on GPUs, which alone can.
        lightning: any other argument of `pytorch_lightning.Trainer`.

    Raises:
        ValueError: a value outside its range.
    """
    if max_epochs < 1:
        raise ValueError(f"trainer.max_epochs must be at least 1, got {max_epochs}")
    if clip is not None and clip <= 0:
        raise ValueError(f"trainer.clip must be above 0 or null, got {clip}")
    gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    callbacks: list[Callback] = [
        FiniteGuard(folder),
        moving_average(ema),  # before the panel, which shows the averaged weights
        LastCheckpoint(folder),
        LearningRateMonitor(),
        Timer(lightning.pop("max_time", None)),  # goes on after a resume
        Watch(lightning.get("log_every_n_steps", 50)),
        CurvesPlot(),
        PicturePanel(panel_rows),
    ]
    if progress:  # showing the loss makes a GPU wait
        callbacks.append(TQDMProgressBar(refresh_rate=10 if gpu else 1))
    return pl.Trainer(
        accelerator=accelerator,
        devices=devices,
        precision=_precision(gpu) if precision == "auto" else precision,
        max_epochs=max_epochs,
        gradient_clip_val=clip,
        callbacks=callbacks,
        logger=TensorBoardLogger(folder, name="", version="", default_hp_metric=False),
        enable_progress_bar=progress,
        sync_batchnorm=gpu if sync_batchnorm is None else sync_batchnorm,
        **lightning,
    )


def _precision(gpu: bool) -> Literal["32-true", "16-mixed", "bf16-mixed"]:
    if not gpu:
        return "32-true"
    # Emulated bf16 is slower than fp16, and cards before Ampere only emulate it.
    return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "16-mixed"


def hours_trained(trainer: pl.Trainer) -> float:
    """Hours spent on training steps, those before a resume included."""
    (timer,) = (c for c in trainer.callbacks if isinstance(c, Timer))  # type: ignore[attr-defined]
    return timer.time_elapsed("train") / 3600


def write_record(folder: str | Path, seed: int) -> dict[str, Any]:
    """Write what a repetition needs beside Hydra's config: `record.json`; returns its content.

    The command, the seed, the versions, the processors, and the git commit of the code with
    whether the tree was clean (both None outside a repository).
    """
    record = {"command": sys.argv, "seed": seed, "versions": package_versions()}
    record |= {"platform": platform.platform(), "cores": os.cpu_count()}
    record["gpus"] = [
        torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
    ]
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    record |= {"commit": commit, "clean": None if changes is None else not changes}
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "record.json").write_text(json.dumps(record, indent=2) + "\n")
    return record


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
