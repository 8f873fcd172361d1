"""Freeze parts of a network while the rest learns."""

from __future__ import annotations

from collections.abc import Sequence

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from salient.training.task import SaliencyTask


class Frozen(Callback):
    """Keeps weights, or the statistics of the normalisations, as they were in the checkpoint.

    Args:
        parts: modules of the network to freeze with their statistics, such as `encoder` or
            `encoder.body.blocks.0`.
        statistics: freeze the statistics of every batch normalisation; their scales and shifts
            still learn.

    Raises:
        ValueError: the network has no such part.
    """

    def __init__(self, parts: Sequence[str] = (), statistics: bool = False) -> None:
        self.parts, self.statistics = list(parts), statistics

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for part in self._parts(pl_module):
            part.requires_grad_(False)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for part in self._parts(pl_module):
            part.eval()
        if self.statistics:
            for module in pl_module.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()

    def _parts(self, pl_module: pl.LightningModule) -> list[nn.Module]:
        assert isinstance(pl_module, SaliencyTask)
        modules = dict(pl_module.network.named_modules())
        for part in self.parts:
            if part not in modules:
                raise ValueError(f"Frozen: parts: the network has no {part!r:.80}")
        return [modules[part] for part in self.parts]
