"""What TensorBoard shows of a run: speed, gradient norm, curves, pictures, and the final table."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch.optim import Optimizer

from salient.config import Count
from salient.data.transforms import MASK_THRESHOLD, to_map
from salient.model.blocks import resize
from salient.scoring.pictures import draw_curves
from salient.scoring.predictions import ScoringBatch
from salient.scoring.tables import Row
from salient.training.batches import TrainingBatch
from salient.training.task import SaliencyTask


class Watch(Callback):
    """Logs the gradient's norm before clipping and images a second, with every logged step.

    The rate is that of this process, from the end of one such step to the end of the next,
    validation left out. Both go to every logger.
    """

    def __init__(self) -> None:
        self.images, self.begin = 0, 0.0

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        if (trainer.global_step + 1) % _every(trainer) == 0:
            gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
            pl_module.log("train/gradient_norm", torch.nn.utils.get_total_norm(gradients))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.images, self.begin = 0, time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: TrainingBatch,
        batch_idx: int,
    ) -> None:
        self.images += len(batch.images)
        if trainer.global_step % _every(trainer) == 0:
            rate = self.images / (time.perf_counter() - self.begin)
            pl_module.log("train/images_per_second", rate)
            self.images, self.begin = 0, time.perf_counter()


def tensorboards(trainer: pl.Trainer) -> list[TensorBoardLogger]:
    """Those of the trainer's loggers that can show pictures and figures."""
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]


class CurvesPlot(Callback):
    """Plots precision over recall and F over the threshold after each validation."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or not (boards := tensorboards(trainer)):
            return
        assert isinstance(pl_module, SaliencyTask)
        row = Row("held out", f"epoch {trainer.current_epoch}", 0, {}, curves=pl_module.curves)
        for board in boards:
            board.experiment.add_figure("curves", draw_curves([row]), trainer.global_step)


class PicturePanel(Callback):
    """A panel in TensorBoard after each validation: picture | truth | map | edge, the first pairs.

    Args:
        rows: how many pictures of the first validation batch.
    """

    def __init__(self, rows: Count) -> None:
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
        boards = tensorboards(trainer)
        if batch_idx or trainer.sanity_checking or not boards:
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
        panel = np.concatenate(rows)
        for board in boards:
            name = "picture | truth | map | edge"
            board.experiment.add_image(name, panel, trainer.global_step, dataformats="HWC")


def _every(trainer: pl.Trainer) -> int:
    return int(trainer.log_every_n_steps)  # type: ignore[attr-defined]


def _grey(picture: Any) -> Any:
    return np.repeat(picture[..., None], 3, axis=2)
