"""Leave out the pictures of a batch with the largest loss, because their masks may be wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from salient.model.base import Outputs
from salient.training.losses import SaliencyLoss


def left_out(step: int, batch_size: int, share: float) -> int:
    """How many pictures of this step's batch to leave out, so that over all steps it is `share`.

    The share of one batch is rarely a whole number: 3 % of 16 pictures are one in every second
    step.
    """
    return int((step + 1) * batch_size * share + 1e-9) - int(step * batch_size * share + 1e-9)


@torch.no_grad()
def best_learnt(
    loss: SaliencyLoss, outputs: Outputs, mask: Tensor, label: Tensor, leave_out: int
) -> Tensor:
    """The pictures of a batch without the `leave_out` ones with the largest loss, in their order.

    The loss is `loss.region` on the finest map, computed picture by picture.

    Args:
        loss: provides the region loss and the pixel weights.
        outputs: of B pictures.
        mask: B,1,H,W in {0, 1}.
        label: target of the maps, B,1,H,W in 0..1.
        leave_out: a number below B.

    Returns:
        Indices, int64 of B - leave_out.
    """
    with torch.autocast(mask.device.type, enabled=False):
        logit, label, pixels = outputs.saliency[0].float(), label.float(), loss.pixel_weights(mask)
        losses = [
            loss.region(*(x[k : k + 1] for x in (logit, label, pixels))) for k in range(len(mask))
        ]
        return torch.stack(losses).argsort()[: len(mask) - leave_out].sort().values


def select(outputs: Outputs, kept: Tensor) -> Outputs:
    """The outputs of some pictures of a batch."""
    edge = None if outputs.edge is None else outputs.edge[kept]
    return Outputs(tuple(logit[kept] for logit in outputs.saliency), edge)
