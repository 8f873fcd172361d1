"""The progress bar of a run."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from tqdm import tqdm

SHOWN = {"train/loss": "loss", "val/mae": "held-out MAE"}  # metrics behind the bar


class RunBar(ProgressBar):
    """One bar for all steps of a run, with the time left.

    Lightning's own bars count within an epoch, so they cannot say when the run ends. Validation
    passes have no bar; their time is part of the estimate.

    Args:
        refresh_rate: steps between two updates; showing the loss makes a GPU wait.
    """

    def __init__(self, refresh_rate: int = 10) -> None:
        super().__init__()
        self.refresh_rate = refresh_rate
        self.enabled = True
        self.bar: tqdm[Any] | None = None

    def disable(self) -> None:
        """Hide the bar: Lightning calls this in all processes but the first."""
        self.enabled = False

    def enable(self) -> None:
        """Show the bar again."""
        self.enabled = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        steps = trainer.estimated_stepping_batches  # infinite for a run without an end
        self.bar = tqdm(
            total=int(steps) if math.isfinite(steps) else None,
            initial=trainer.global_step,
            desc="training",
            unit="step",
            smoothing=0.05,  # an estimate from the last minutes, which include validations
            dynamic_ncols=True,
            disable=not self.enabled,
        )

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if self.bar is None or trainer.global_step % self.refresh_rate:
            return
        self._advance(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.bar is not None:
            self._advance(trainer)
        self._close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._close()

    def print(self, *args: Any, sep: str = " ", **kwargs: Any) -> None:
        """Write a line above the bar."""
        tqdm.write(sep.join(map(str, args)), **kwargs)

    def _advance(self, trainer: pl.Trainer) -> None:
        assert self.bar is not None
        if self.enabled:  # reading the metrics makes a GPU wait
            metrics = trainer.progress_bar_metrics
            epochs = trainer.max_epochs
            epoch = trainer.current_epoch + (trainer.current_epoch != epochs)  # from 1
            shown = {
                word: f"{float(metrics[name]):.3g}"
                for name, word in SHOWN.items()
                if name in metrics
            }
            self.bar.set_postfix({"epoch": f"{epoch}/{epochs}"} | shown, refresh=False)
        self.bar.update(trainer.global_step - self.bar.n)

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
