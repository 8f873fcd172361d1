"""What TensorBoard shows besides scores: curves, and panels of held-out pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger
from torch import Tensor

from salient.arrays import Probability
from salient.config import Count
from salient.data.transforms import MASK_THRESHOLD, to_map
from salient.scoring.drawing import draw_curves
from salient.scoring.loading import ScoringBatch
from salient.scoring.tables import Row
from salient.training.task import SaliencyTask


class Seen(NamedTuple):
    """A held-out picture: the map's error (MAE), its name, its row of a panel uint8 H,4W,3."""

    error: float
    name: str
    row: Any


class Board(TensorBoardLogger):
    """TensorBoard's logger, with the epoch as `system/epoch`.

    Lightning adds the epoch to every line; otherwise it would be the first row of the page.
    """

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        renamed = {f"system/{k}" if k == "epoch" else k: value for k, value in metrics.items()}
        super().log_metrics(renamed, step)


def tensorboards(trainer: pl.Trainer) -> list[TensorBoardLogger]:
    """The trainer's loggers that can show pictures and plots."""
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
    """Two panels in TensorBoard after each validation, rows of picture | truth | map | edge.

    A network without an edge has no such column. One panel shows the first pairs, always the same.
    The other shows the pairs with the largest error (MAE), the worst first, with their names in the
    text `worst`. With several processes, these are the pairs of the first.

    Args:
        rows: number of pictures in each panel.
    """

    def __init__(self, rows: Count = 8) -> None:
        self.rows = rows

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.first: list[Seen] = []
        self.worst: list[Seen] = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: ScoringBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if trainer.sanity_checking or not tensorboards(trainer):
            return
        for index, error in enumerate(outputs["mae"]):
            bad = len(self.worst) < self.rows or error > self.worst[-1].error
            if len(self.first) >= self.rows and not bad:
                continue
            images = (batch.images[index], batch.masks[index])
            maps = [one[index] for one in outputs["found"] if one is not None]
            seen = Seen(error, batch.names[index], _row(*images, *maps))
            if len(self.first) < self.rows:
                self.first.append(seen)
            if bad:
                self.worst = sorted([*self.worst, seen], key=lambda s: -s.error)[: self.rows]

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or not self.first:
            return
        names = "\n".join(
            f"{k}. `{s.name}`, MAE {s.error:.4f}" for k, s in enumerate(self.worst, 1)
        )
        assert isinstance(pl_module, SaliencyTask)
        edge = ", edge" if pl_module.network.has_edge else ""
        for board in tensorboards(trainer):
            for name, seen in (("first", self.first), ("worst", self.worst)):
                panel = np.concatenate([one.row for one in seen])
                tag = f"pictures/{name}: picture, truth, map{edge}"
                board.experiment.add_image(tag, panel, trainer.global_step, dataformats="HWC")
            board.experiment.add_text("worst", names, trainer.global_step)


def _row(image: Tensor, mask: Any, *maps: Probability) -> Any:
    """Picture | truth | map | edge (if there is one) at the map's size, uint8 H,4W,3.

    `image` is uint8 3,H,W, `mask` uint8 of any size, each of `maps` h,w.
    """
    size = maps[0].shape
    truth = to_map((mask > MASK_THRESHOLD).astype(np.float32), size)
    grey = [truth, *(to_map(one, size) for one in maps)]
    return np.concatenate([image.cpu().permute(1, 2, 0).numpy(), *map(_coloured, grey)], axis=1)


def _coloured(picture: Any) -> Any:
    return np.repeat(picture[..., None], 3, axis=2)
