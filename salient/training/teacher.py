"""Knowledge distillation: other networks say where a mask may be wrong."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from salient.weights.find import find_checkpoint
from salient.weights.store import load_network


class Teacher:
    """Mixes the maps of trained networks into the masks to learn from (Hinton 2015).

    Kept out of the task's modules: nothing of it is trained, averaged or saved. It sees the altered
    picture that the student sees.

    Args:
        checkpoints: files or words; of several networks the mean of the logits is taken.
        share: of their map in the label, in (0, 1].

    Raises:
        ValueError: no checkpoint, a share outside its range, or a damaged checkpoint.
        FileNotFoundError: no such checkpoint.
    """

    def __init__(self, checkpoints: Sequence[str], share: float) -> None:
        if not checkpoints:
            raise ValueError("model.teacher.checkpoints must name one file or more")
        if not 0 < share <= 1:
            raise ValueError(f"model.teacher.share must be in (0, 1], got {share}")
        files = [find_checkpoint(name, key="model.teacher.checkpoints") for name in checkpoints]
        self.networks = [load_network(file).eval() for file in files]
        self.share = share

    @torch.no_grad()
    def soften(self, images: Tensor, masks: Tensor) -> Tensor:
        """RGB B,3,H,W in 0..255 and binary masks B,1,H,W -> labels B,1,H,W in 0..1."""
        logits = []
        for network in self.networks:
            network.to(images.device)
            logits.append(network(network.normalize(images)).saliency[0].float())
        return torch.lerp(masks, torch.sigmoid(torch.stack(logits).mean(0)), self.share)
