"""The training loss and its parts. Pure functions on logits, computed in float32 under autocast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor


def boundary_target(mask: Tensor, width: int = 5) -> Tensor:
    """Morphological gradient (dilation minus erosion) of a binary mask.

    B,1,H,W in {0, 1} -> B,1,H,W in {0, 1}: a band `width - 1` pixels wide around each boundary,
    half of it inside. The picture's border is no boundary. `width` is odd, at least 3.
    """
    padding = width // 2
    dilated = F.max_pool2d(mask, width, 1, padding)
    eroded = -F.max_pool2d(-mask, width, 1, padding)
    return dilated - eroded


def boundary_weights(mask: Tensor) -> Tensor:
    """1 + 5 |local mean of the mask over 31 x 31 - mask| (Wei 2020, F3Net, eq. 4).

    B,1,H,W in {0, 1} -> B,1,H,W in [1, 6]: most near a boundary and on thin parts. The mean, of
    the pixels within the picture, is taken along columns and then rows: 62 additions, not 961.
    """
    local = F.avg_pool2d(mask, (31, 1), 1, (15, 0), count_include_pad=False)
    local = F.avg_pool2d(local, (1, 31), 1, (0, 15), count_include_pad=False)
    return 1 + 5 * (local - mask).abs()


def uniform_weights(mask: Tensor) -> Tensor:
    """1 for every pixel: B,1,H,W -> B,1,H,W."""
    return torch.ones_like(mask)


def region_loss(logit: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """Weighted BCE plus weighted IoU (Wei 2020, F3Net, eq. 5 to 7). All B,1,H,W -> scalar.

    The structure loss with `boundary_weights`, plain BCE + IoU with `uniform_weights`. The weights
    are true: `reduce='none'`, which several repositories pass, averages before they are applied and
    so cancels them. The IoU is smoothed by one pixel.
    """
    bce = F.binary_cross_entropy_with_logits(logit, mask, reduction="none")
    bce = (weight * bce).sum((2, 3)) / weight.sum((2, 3))
    probability = torch.sigmoid(logit)
    both = (weight * probability * mask).sum((2, 3))
    either = (weight * (probability + mask)).sum((2, 3)) - both
    return (bce + 1 - (both + 1) / (either + 1)).mean()


def edge_loss(logit: Tensor, target: Tensor) -> Tensor:
    """Dice (Milletari 2016, V-Net, section 3) plus class-balanced BCE (Xie 2015, HED, eq. 2).

    Logit of any size is brought to the target's, B,1,H,W in {0, 1}. -> scalar.
    """
    target = target.float()
    logit = F.interpolate(logit.float(), target.shape[2:], mode="bilinear", align_corners=False)
    probability = torch.sigmoid(logit)
    both = (probability * target).sum((1, 2, 3))
    total = (probability.square() + target.square()).sum((1, 2, 3))
    dice = 1 - (2 * both + 1) / (total + 1)
    background = 1 - target.mean((1, 2, 3), keepdim=True)  # the share of non-edge pixels
    weight = torch.where(target > 0.5, background, 1 - background)
    bce = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    balanced = (weight * bce).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1e-6)
    return (dice + balanced).mean()


class LossParts(NamedTuple):
    """Scalars of one batch: the weighted sum and its unweighted parts."""

    total: Tensor
    out4: Tensor
    out8: Tensor
    area: Tensor
    edge: Tensor


class SaliencyLoss:
    """Deep supervision: a weight for each of the three saliency outputs and one for the edge.

    Args:
        saliency: weights of out 4, out 8 and area (Wei 2020 halves them from fine to coarse).
        edge: weight of the edge loss; 0 switches it off (the part is still computed and logged).
        edge_width: side of the square in the morphological gradient, odd.
        region: loss of a saliency logit: (logit, mask, weight), all B,1,H,W -> scalar.
        pixel_weights: of the mask, B,1,H,W -> B,1,H,W.

    Raises:
        ValueError: a negative weight, another number of weights, an even width.
    """

    def __init__(
        self,
        saliency: Sequence[Annotated[float, Field(le=1e6)]],
        edge: Annotated[float, Field(le=1e6)],
        edge_width: Annotated[int, Field(le=101)],
        region: Callable[[Tensor, Tensor, Tensor], Tensor] = region_loss,
        pixel_weights: Callable[[Tensor], Tensor] = boundary_weights,
    ) -> None:
        if len(saliency) != 3 or min(saliency) < 0 or edge < 0:
            raise ValueError(
                f"model.loss.saliency must be three weights and model.loss.edge one, none below "
                f"0, got {list(saliency)} and {edge}"
            )
        if edge_width < 3 or edge_width % 2 == 0:
            raise ValueError(f"model.loss.edge_width must be odd and at least 3, got {edge_width}")
        self.saliency, self.edge, self.edge_width = tuple(saliency), edge, edge_width
        self.region, self.pixel_weights = region, pixel_weights

    def __call__(self, saliency: Sequence[Tensor], edge: Tensor, mask: Tensor) -> LossParts:
        """Three saliency logits B,1,H,W, an edge logit B,1,h,w and the binary mask B,1,H,W."""
        with torch.autocast(mask.device.type, enabled=False):
            mask = mask.float()
            weight = self.pixel_weights(mask)
            out4, out8, area = (self.region(logit.float(), mask, weight) for logit in saliency)
            boundary = edge_loss(edge, boundary_target(mask, self.edge_width))
            total = self.edge * boundary
            for weight_of_part, part in zip(self.saliency, (out4, out8, area)):
                total = total + weight_of_part * part
        return LossParts(total, out4, out8, area, boundary)
