"""The training loss and its parts. Pure functions on logits, computed in float32 under autocast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from salient.config import ConfigError, checked
from salient.model.base import Outputs

RegionLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
Weight = Annotated[float, Field(ge=0, le=1e6)]


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

    With `boundary_weights` it is the structure loss, with `uniform_weights` plain BCE + IoU. The
    weights take effect; with `reduce='none'`, which several repositories pass, the BCE is averaged
    before they are applied, so they cancel. The IoU is smoothed by one pixel.
    """
    bce = F.binary_cross_entropy_with_logits(logit, mask, reduction="none")
    bce = (weight * bce).sum((2, 3)) / weight.sum((2, 3))
    probability = torch.sigmoid(logit)
    both = (weight * probability * mask).sum((2, 3))
    either = (weight * (probability + mask)).sum((2, 3)) - both
    return (bce + 1 - (both + 1) / (either + 1)).mean()


def structure_term(logit: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """`measure_loss` as a term of `SaliencyLoss`. All B,1,H,W -> scalar."""
    return measure_loss(torch.sigmoid(logit), mask)


def measure_loss(probability: Tensor, mask: Tensor) -> Tensor:
    """1 - S-measure (Fan 2017, eq. 2 to 8), smooth. Both B,1,H,W in 0..1 -> scalar.

    `salient.metrics` has the exact measure. Here 1e-6 is added to both sides of the quadrants'
    fractions, so that a quadrant without foreground has a gradient, where the measure jumps. The
    mask may be soft; then a pixel counts in part as inside.
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

    The logit is resized to the target, B,1,H,W in {0, 1}. -> scalar.
    """
    target = target.float()
    logit = F.interpolate(logit.float(), target.shape[2:], mode="bilinear", align_corners=False)
    probability = torch.sigmoid(logit)
    both = (probability * target).sum((1, 2, 3))
    total = (probability.square() + target.square()).sum((1, 2, 3))
    dice = 1 - (2 * both + 1) / (total + 1)
    background = 1 - target.mean((1, 2, 3), keepdim=True)  # the fraction of non-edge pixels
    weight = torch.where(target > 0.5, background, 1 - background)
    bce = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    balanced = (weight * bce).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1e-6)
    return (dice + balanced).mean()


class LossParts(NamedTuple):
    """Scalars of one batch: the weighted sum `total`, and its unweighted parts by their names."""

    total: Tensor
    named: dict[str, Tensor]

    def detached(self) -> LossParts:
        """The same without the graph."""
        return LossParts(self.total.detach(), {k: x.detach() for k, x in self.named.items()})


@dataclass(frozen=True)
class Term:
    """A term that is added to the loss of each map.

    Attributes:
        loss: a function (logit, label, pixel weights), all B,1,H,W -> scalar.
        weight: its weight relative to `region`.
    """

    loss: RegionLoss
    weight: Weight = 1


@checked
class SaliencyLoss:
    """Deep supervision: a weight for each of the network's maps and one for its edge.

    Args:
        saliency: weights of the maps, the finest first; by default those that the network names.
        edge: weight of the edge loss; 0 switches it off (it is still computed and logged).
        edge_width: side of the square in the morphological gradient, odd.
        region: loss of a map: (logit, label, pixel weights), all B,1,H,W -> scalar.
        pixel_weights: weights from the mask, B,1,H,W -> B,1,H,W.
        terms: further terms of the loss by name. The log has the value for the finest map, without
            its weight.

    Raises:
        ValueError: a negative weight, an even width.
    """

    def __init__(
        self,
        saliency: Sequence[Weight] | None = None,
        edge: Weight = 1,
        edge_width: Annotated[int, Field(ge=3, le=101)] = 5,
        region: RegionLoss = region_loss,
        pixel_weights: Callable[[Tensor], Tensor] = boundary_weights,
        terms: Mapping[str, Term] | None = None,
    ) -> None:
        if edge_width % 2 == 0:
            raise ConfigError(f"edge_width must be odd, got {edge_width}")
        self.saliency = None if saliency is None else tuple(saliency)
        self.edge, self.edge_width = edge, edge_width
        self.region, self.pixel_weights, self.terms = region, pixel_weights, dict(terms or {})

    def weights(self, maps: Mapping[str, float]) -> dict[str, float]:
        """The weight of each of a network's maps; see `Network.maps`.

        Raises:
            ValueError: `saliency` has another number of weights than there are maps.
        """
        if self.saliency is None:
            return dict(maps)
        if len(self.saliency) != len(maps):
            given = f"{len(self.saliency)} weights for {len(maps)} maps"
            raise ConfigError(f"loss.saliency: {given}: {', '.join(maps)}")
        return dict(zip(maps, self.saliency))

    def __call__(
        self,
        outputs: Outputs,
        mask: Tensor,
        label: Tensor | None = None,
        maps: Mapping[str, float] | None = None,
    ) -> LossParts:
        """The loss of a network's outputs.

        Args:
            outputs: maps B,1,H,W and an edge B,1,h,w or None, all logits.
            mask: B,1,H,W in {0, 1}, from which pixel weights and edge are computed.
            label: target of the maps, B,1,H,W in 0..1; by default the mask.
            maps: names and weights of the maps, see `Network.maps`; by default `map1` and so on,
                each with half the weight of the one before.
        """
        if maps is None:
            maps = {f"map{k + 1}": 0.5**k for k in range(len(outputs.saliency))}
        with torch.autocast(mask.device.type, enabled=False):
            mask = mask.float()
            label = mask if label is None else label.float()
            pixels = self.pixel_weights(mask)
            total = mask.new_zeros(())
            named: dict[str, Tensor] = {}
            extra: dict[str, Tensor] = {}
            if outputs.edge is not None:
                named["edge"] = edge_loss(outputs.edge, boundary_target(mask, self.edge_width))
                total = self.edge * named["edge"]
            for (name, weight), logit in zip(
                self.weights(maps).items(), outputs.saliency, strict=True
            ):
                named[name] = self.region(logit.float(), label, pixels)
                for term_name, term in self.terms.items():
                    value = term.loss(logit.float(), label, pixels)
                    named[name] = named[name] + term.weight * value
                    extra.setdefault(term_name, value)
                total = total + weight * named[name]
        return LossParts(total, named | extra)
