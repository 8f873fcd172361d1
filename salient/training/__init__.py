"""The only wing that knows Lightning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salient.lazy import lazy_names

if TYPE_CHECKING:
    from salient.training.augmentation import training_transform
    from salient.training.callbacks import moving_average
    from salient.training.datamodule import PairsDataModule
    from salient.training.losses import SaliencyLoss
    from salient.training.optimizers import adamw, sgd
    from salient.training.run import Trained, train, usual_callbacks
    from salient.training.task import SaliencyTask
    from salient.training.trainer import build_trainer

__all__ = [
    "PairsDataModule",
    "SaliencyLoss",
    "SaliencyTask",
    "Trained",
    "adamw",
    "build_trainer",
    "moving_average",
    "sgd",
    "train",
    "training_transform",
    "usual_callbacks",
]
__getattr__ = lazy_names(
    __name__,
    {
        "training_transform": "augmentation",
        "moving_average": "callbacks",
        "PairsDataModule": "datamodule",
        "SaliencyLoss": "losses",
        "adamw": "optimizers",
        "sgd": "optimizers",
        "Trained": "run",
        "train": "run",
        "usual_callbacks": "run",
        "SaliencyTask": "task",
        "build_trainer": "trainer",
    },
)
