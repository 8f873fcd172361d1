"""The training loss and its parts. Pure functions on logits, computed in float32 under autocast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from salient.config import ConfigError, checked


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


def region_loss(
    logit: Tensor,
    mask: Tensor,
    weight: Tensor,
    measure: Annotated[float, Field(ge=0, le=1e6)] = 0,
) -> Tensor:
    """Weighted BCE plus weighted IoU (Wei 2020, F3Net, eq. 5 to 7). All B,1,H,W -> scalar.

    The structure loss with `boundary_weights`, plain BCE + IoU with `uniform_weights`. The weights
    are true: `reduce='none'`, which several repositories pass, averages before they are applied and
    so cancels them. The IoU is smoothed by one pixel. `measure` times `measure_loss` is added.
    """
    bce = F.binary_cross_entropy_with_logits(logit, mask, reduction="none")
    bce = (weight * bce).sum((2, 3)) / weight.sum((2, 3))
    probability = torch.sigmoid(logit)
    both = (weight * probability * mask).sum((2, 3))
    either = (weight * (probability + mask)).sum((2, 3)) - both
    loss = (bce + 1 - (both + 1) / (either + 1)).mean()
    return loss + measure * measure_loss(probability, mask) if measure else loss


def measure_loss(probability: Tensor, mask: Tensor) -> Tensor:
    """1 - S-measure (Fan 2017, eq. 2 to 8), smooth. Both B,1,H,W in 0..1 -> scalar.

    `salient.metrics` has the exact measure. The difference: 1e-6 on both sides of the quadrants'
    fractions, so that a quadrant of background alone has a gradient, where the measure jumps. The
    mask may be soft: a pixel then counts in part as inside.
    """
    maps = torch.cat([mask, probability, probability**2], 1)  # m, p, p^2
    maps = torch.cat([maps, maps * mask], 1)  # m^2, p m, p^2 m
    sums = _quadrant_sums(mask[:, 0], maps)
    m, p, squares, _, p_in, squares_in = sums.sum((2, 3)).unbind(1)
    size = mask[0].numel()
    inside = _object_similarity(p_in, squares_in, m)
    rest, p_out, squares_out = size - m, p - p_in, squares - squares_in
    outside = _object_similarity(rest - p_out, rest - 2 * p_out + squares_out, rest)
    share = m / size
    objects = share * inside + (1 - share) * outside
    count = _quadrant_sums(mask[:, 0], torch.ones_like(mask))[:, 0]
    y, x, second_x, second_y, both, _ = (sums / count.clamp_min(1)[:, None]).unbind(1)
    variances = (second_x - x**2).clamp_min(0) + (second_y - y**2).clamp_min(0)
    alpha, beta = 4 * x * y * (both - x * y), (x**2 + y**2) * variances
    regions = ((alpha + 1e-6) / (beta + 1e-6) * count / size).sum((1, 2))
    mean = torch.where(m > 0, p, size - p) / size  # the measure of a full or an empty mask
    one_kind = (m == 0) | (m == size)
    return 1 - torch.where(one_kind, mean, (objects + regions) / 2).mean()


def _quadrant_sums(mask: Tensor, maps: Tensor) -> Tensor:
    """Sums over the quadrants about the mask's centroid: B,H,W and B,K,H,W -> B,K,2,2."""

    def sides(profile: Tensor) -> Tensor:  # B,N -> B,2,N: before the centroid, from it on
        place = torch.arange(profile.shape[1], device=profile.device, dtype=profile.dtype)
        centre = (profile @ place / profile.sum(1).clamp_min(1)).round()
        before = (place <= centre[:, None]).to(profile.dtype)
        return torch.stack([before, 1 - before], 1)

    return torch.einsum("brh,bkhw,bcw->bkrc", sides(mask.sum(2)), maps, sides(mask.sum(1)))


def _object_similarity(total: Tensor, squares: Tensor, count: Tensor) -> Tensor:
    """Equation 5 from a region's sum, sum of squares and number of pixels; all of shape B."""
    count = count.clamp_min(1)
    mean = total / count
    deviation = ((squares / count - mean**2).clamp_min(0) + 1e-8).sqrt()
    return 2 * mean / (mean**2 + 1 + deviation)


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


@checked
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
        saliency: Sequence[Annotated[float, Field(ge=0, le=1e6)]] = (1, 0.5, 0.25),
        edge: Annotated[float, Field(ge=0, le=1e6)] = 1,
        edge_width: Annotated[int, Field(ge=3, le=101)] = 5,
        region: Callable[[Tensor, Tensor, Tensor], Tensor] = region_loss,
        pixel_weights: Callable[[Tensor], Tensor] = boundary_weights,
    ) -> None:
        if len(saliency) != 3:
            raise ConfigError(f"saliency must be three weights, got {list(saliency)}")
        if edge_width % 2 == 0:
            raise ConfigError(f"edge_width must be odd, got {edge_width}")
        self.saliency, self.edge, self.edge_width = tuple(saliency), edge, edge_width
        self.region, self.pixel_weights = region, pixel_weights

    def __call__(
        self, saliency: Sequence[Tensor], edge: Tensor, mask: Tensor, label: Tensor | None = None
    ) -> LossParts:
        """Three saliency logits B,1,H,W, an edge logit B,1,h,w and the binary mask B,1,H,W.

        `label`, B,1,H,W in 0..1, is what the saliency is to be, if that is not the mask. Pixel
        weights and edge are the mask's.
        """
        with torch.autocast(mask.device.type, enabled=False):
            mask = mask.float()
            label = mask if label is None else label.float()
            weight = self.pixel_weights(mask)
            out4, out8, area = (self.region(logit.float(), label, weight) for logit in saliency)
            boundary = edge_loss(edge, boundary_target(mask, self.edge_width))
            total = self.edge * boundary
            for weight_of_part, part in zip(self.saliency, (out4, out8, area)):
                total = total + weight_of_part * part
        return LossParts(total, out4, out8, area, boundary)
