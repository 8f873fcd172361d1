"""What carries and watches a run: weight averaging, `last.ckpt`, the panel of pictures."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, WeightAveraging
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor

from salient.data.dataset import ScoringBatch
from salient.data.transforms import MASK_THRESHOLD, to_map
from salient.model.blocks import resize
from salient.task import SaliencyTask


def moving_average(decay: float) -> WeightAveraging:
    """Lightning's weight averaging as an exponential moving average.

    Early on the decay is (1 + n) / (10 + n), so that a short run does not publish its start.

    Raises:
        ValueError: `decay` is not in [0, 1).
    """
    if not 0 <= decay < 1:
        raise ValueError(f"trainer.ema must be in [0, 1), got {decay}")

    @torch.no_grad()
    def update(averages: Sequence[Tensor], current: Sequence[Tensor], count: Tensor) -> None:
        if not averages[0].is_floating_point():  # batch norm's counters
            torch._foreach_copy_(list(averages), list(current))
            return
        share = 1 - torch.clamp((1 + count) / (10 + count), max=decay)
        difference = torch._foreach_sub(list(current), list(averages))
        torch._foreach_mul_(difference, share.to(averages[0].dtype))
        torch._foreach_add_(list(averages), difference)

    return WeightAveraging(multi_avg_fn=update)


class LastCheckpoint(ModelCheckpoint):
    """Keeps `last.ckpt` in a folder: after every epoch, and when SIGTERM or Ctrl-C ends the run.

    Either lets the current step finish first; a second Ctrl-C ends the run at once. The file is
    replaced as a whole or not at all.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder, "last", enable_version_counter=False, save_on_exception=True)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_fit_start(trainer, pl_module)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _interrupt_after_step)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        if isinstance(exception, SIGTERMException):  # anything else may have spoilt the weights
            super().on_exception(trainer, pl_module, exception)


def _interrupt_after_step(number: int, frame: Any) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("\nfinishing this step, then saving; Ctrl-C again stops at once", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)  # which Lightning answers at the end of the step


class PicturePanel(Callback):
    """A panel in TensorBoard after each validation: picture | truth | map | edge, the first pairs.

    Args:
        rows: how many pictures of the first validation batch.
    """

    def __init__(self, rows: int = 8) -> None:
        self.rows = rows

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: ScoringBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        logger = trainer.logger
        if batch_idx or trainer.sanity_checking or not isinstance(logger, TensorBoardLogger):
            return
        assert isinstance(pl_module, SaliencyTask)
        images = batch.images[: self.rows]
        with torch.inference_mode():
            predicted = pl_module.network(pl_module.network.normalize(images))
        saliency = torch.sigmoid(predicted.saliency[0].float())
        edge = resize(
            torch.sigmoid(predicted.edge.float()), saliency.shape[2:], align_corners=False
        )
        size = (saliency.shape[2], saliency.shape[3])
        rows = [
            np.concatenate([image.permute(1, 2, 0).numpy(), *map(_grey, (truth, s[0], e[0]))], 1)
            for image, truth, s, e in zip(
                images.cpu(),
                [to_map((mask > MASK_THRESHOLD).astype(np.float32), size) for mask in batch.masks],
                (saliency.cpu().numpy() * 255).astype(np.uint8),
                (edge.cpu().numpy() * 255).astype(np.uint8),
            )
        ]
        logger.experiment.add_image(
            "picture | truth | map | edge",
            np.concatenate(rows),
            trainer.global_step,
            dataformats="HWC",
        )


def _grey(picture: Any) -> Any:
    return np.repeat(picture[..., None], 3, axis=2)
