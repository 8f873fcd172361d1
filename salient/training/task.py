"""The LightningModule: glue between network, loss, optimiser and metrics."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from salient.config import Amount, ConfigError, Part, Seed, checked
from salient.data.transforms import MASK_THRESHOLD, to_map
from salient.detection.road import check
from salient.metrics import CURVES, HEADLINE, SaliencyMetrics, score_pair
from salient.model import architecture_of
from salient.model.base import Network
from salient.scoring.loading import ScoringBatch
from salient.tensors import check_finite, check_tensors
from salient.training.batches import TrainingBatch
from salient.training.losses import LossParts, SaliencyLoss
from salient.training.optimizers import sgd
from salient.training.trimming import best_learnt, left_out, select

FIRST = "use the options of the first run"


@checked
class SaliencyTask(pl.LightningModule):
    """Trains and validates a network.

    Args:
        network: the network to train.
        loss: the loss and its weights; `SaliencyLoss()` by default.
        optimizer: makes an optimiser of parameter groups; its rate is the decoder's peak rate.
        encoder_lr_ratio: the encoder's learning rate divided by the decoder's.
        warmup: fraction of all steps over which the rates rise, in (0, 1).
        decay: how they fall to zero afterwards: `cos` or `linear`.
        scales: factors of the training size. One is drawn for each batch, and the size is rounded
            to 32 pixels.
        progressive: use the scales one after the other instead, each for the same number of steps;
            passes over small pictures are cheap (EfficientNetV2, 2021, section 4).
        compile: run the network through `torch.compile`, which takes minutes for each size. By
            default only on a GPU, and if `scales` is one size.
        seed: the seed for choosing scales.
        trim: fraction of the pictures, below .5, to leave out of the loss because their masks may
            be wrong: those of each batch with the largest loss on the finest map.
        trim_after: the epoch, counted from 0, from which `trim` applies.

    Raises:
        ValueError: a value outside its range.
    """

    def __init__(
        self,
        network: Network,
        loss: SaliencyLoss | None = None,
        optimizer: Callable[..., Optimizer] = sgd,
        encoder_lr_ratio: Annotated[float, Field(gt=0, le=100)] = 0.1,
        warmup: Part = 0.05,
        decay: Literal["cos", "linear"] = "linear",
        scales: Sequence[Annotated[float, Field(gt=0, le=2)]] = (0.64, 0.73, 0.82, 0.91, 1),
        progressive: bool = False,
        compile: bool | None = None,
        seed: Seed = 0,
        trim: Annotated[float, Field(ge=0, lt=0.5)] = 0,
        trim_after: Amount = 3,
    ) -> None:
        super().__init__()
        if not scales:
            raise ConfigError("scales must be one number or more, got none")
        loss = loss or SaliencyLoss()
        loss.weights(network.maps)  # fails if it has weights for another number of maps
        self.network, self.loss, self.make_optimizer = network, loss, optimizer
        self.encoder_lr_ratio, self.warmup, self.decay = encoder_lr_ratio, warmup, decay
        self.scales, self.progressive = tuple(scales), progressive
        self.compiled, self.seed = compile, seed
        self.trim, self.trim_after = trim, trim_after
        self.parts: LossParts | None = None  # of the last training step
        self.curves: dict[str, list[float]] = {}  # of the last validation
        self.validated: dict[
            str, float
        ] = {}  # figures of the last validation, also a resumed run's
        self.metrics = SaliencyMetrics()

    def on_fit_start(self) -> None:
        pays = self.device.type == "cuda" and len(set(self.scales)) == 1
        if self.compiled or (self.compiled is None and pays):
            self.network.compile(dynamic=False)  # a program for any size takes longer still

    def training_step(self, batch: TrainingBatch, batch_index: int) -> Tensor:
        soft = batch.masks.is_floating_point()
        images = self.network.normalize(batch.images)
        images, labels = self._scale(images, batch.masks.float(), soft)
        masks = (labels > 0.5).float() if soft else labels
        outputs = self.network(images)
        if self.trim and self.current_epoch >= self.trim_after:
            worst = left_out(self.global_step, len(images), self.trim)
            kept = best_learnt(self.loss, outputs, masks, labels, worst)
            outputs, masks, labels = select(outputs, kept), masks[kept], labels[kept]
        parts = self.loss(outputs, masks, labels, self.network.maps)
        self.parts = parts.detached()
        self._log_parts("train", parts, len(batch.images), prog_bar=True)
        return parts.total

    def validation_step(self, batch: ScoringBatch, batch_index: int) -> dict[str, Any]:
        """Score a batch; returns its `Probabilities` and each map's MAE, for callbacks."""
        images = self.network.normalize(batch.images)
        outputs = self.network(images)
        masks = torch.stack([_fit(mask, images.shape[2:]) for mask in batch.masks]).to(images)
        parts = self.loss(outputs, masks, maps=self.network.maps)
        self._log_parts("val", parts, len(images), on_epoch=True, sync_dist=True)
        found = self.network.probabilities(outputs)
        check(found, self.network.origin)
        scores = [
            score_pair(to_map(probability, mask.shape), mask)
            for probability, mask in zip(found.saliency, batch.masks)
        ]
        for of_pair in scores:
            self.metrics.add(of_pair)
        errors = [of_pair.figures["mae"] for of_pair in scores]
        return {"found": found, "mae": errors}

    def on_validation_epoch_end(self) -> None:
        figures = self.metrics.compute()
        self.metrics.reset()
        self.curves = {name: figures[name].tolist() for name in CURVES}
        named = {f"val/{figure.key}": float(figures[figure.key]) for figure in HEADLINE}
        self.log_dict(named, prog_bar=True)

    def on_validation_end(self) -> None:
        if self.trainer.sanity_checking:  # before the first step
            return
        figures = self.trainer.callback_metrics
        self.validated = {k: float(v) for k, v in figures.items() if k.startswith("val/")}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint |= {"format": "salient", "architecture": architecture_of(self.network)}
        checkpoint["network"] = json.dumps(self.network.config)
        checkpoint["validated"] = self.validated

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of a different run, before anything of it is used.

        Raises:
            ValueError: its network, its tensors or its number of steps differ.
        """
        kinds = checkpoint.get("architecture", "boundary"), architecture_of(self.network)
        if kinds[0] != kinds[1]:
            raise ValueError(f"its network is {kinds[0]}, this one {kinds[1]}; {FIRST}")
        self.validated = dict(checkpoint.get("validated", {}))
        config = json.loads(str(checkpoint.get("network", "{}")))
        for key, value in self.network.config.items():
            if key not in ("size", "resize") and config.get(key, value) != value:
                raise ValueError(f"its network has {key} {config[key]}, this one {value}; {FIRST}")
        for part in ("state_dict", "current_model_state"):
            if part in checkpoint:
                check_tensors(checkpoint[part], self.state_dict(), f"its {part}")
                check_finite(checkpoint[part], f"its {part}")
        steps = int(self.trainer.estimated_stepping_batches)
        planned = checkpoint["lr_schedulers"][0].get("total_steps")
        if planned != steps:
            raise ValueError(
                f"it was planned for {planned} steps, this run for {steps}; {FIRST}, or start a "
                "new run from its network with start="
            )

    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self._parameter_groups())
        if optimizer.defaults.get("fused") and self.trainer.precision != "32-true":
            # fp16: the gradient scaler would unscale within the fused step, after the clipping.
            # bf16 has no scaler, but Lightning refuses to clip there too.
            optimizer = self.make_optimizer(self._parameter_groups(), fused=False)
        rates = [
            group["lr"] * (self.encoder_lr_ratio if group["side"] == "encoder" else 1)
            for group in optimizer.param_groups
        ]
        steps = int(self.trainer.estimated_stepping_batches)
        rise = self.warmup if self.warmup * steps != 1 else 1.001 * self.warmup  # it divides by 0
        schedule = OneCycleLR(
            optimizer,
            max_lr=rates,
            total_steps=steps,
            pct_start=rise,
            anneal_strategy=self.decay,
            cycle_momentum=False,
            final_div_factor=1e4,
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def _scale(self, images: Tensor, masks: Tensor, soft: bool = False) -> tuple[Tensor, Tensor]:
        """Choose this step's size; the same in every process, and again after a resume.

        Masks stay binary unless they are soft.
        """
        if self.progressive:
            progress = self.global_step / int(self.trainer.estimated_stepping_batches)
            scale = self.scales[min(int(progress * len(self.scales)), len(self.scales) - 1)]
        else:
            scale = random.Random(f"{self.seed}/{self.global_step}").choice(self.scales)
        side = max(32 * round(scale * images.shape[-1] / 32), 32)
        if side == images.shape[-1]:
            return images, masks
        images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
        masks = F.interpolate(masks, (side, side), mode="bilinear", antialias=True)
        return images, masks if soft else (masks > 0.5).float()

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Encoder and decoder, each with and without weight decay (none on norms and biases)."""
        encoder = {id(p) for p in self.network.encoder_parameters()}
        groups: dict[str, dict[str, Any]] = {}
        for parameter in self.network.parameters():
            side = "encoder" if id(parameter) in encoder else "decoder"
            name = side if parameter.ndim > 1 else f"{side} norms and biases"
            group = groups.setdefault(name, {"params": [], "name": name, "side": side})
            group["params"].append(parameter)
            if parameter.ndim <= 1:
                group["weight_decay"] = 0.0
        return list(groups.values())

    def _log_parts(self, stage: str, parts: LossParts, count: int, **options: Any) -> None:
        self.log(f"{stage}/loss", parts.total, batch_size=count, **options)
        options.pop("prog_bar", None)
        named = {f"{stage}/loss_{name}": part for name, part in parts.named.items()}
        self.log_dict(named, batch_size=count, **options)


def _fit(mask: Any, size: Sequence[int]) -> Tensor:
    """A mask uint8 H,W -> its foreground at `size`, 1,h,w in {0, 1}."""
    foreground = torch.from_numpy(mask > MASK_THRESHOLD).float()[None, None]
    resized = F.interpolate(foreground, tuple(size), mode="bilinear", antialias=True)[0]
    return (resized > 0.5).float()
