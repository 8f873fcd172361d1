"""The optimisers of the recipes: PyTorch's, with our defaults and bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import torch
from pydantic import Field
from torch.optim import SGD, AdamW

from salient.config import Share, checked, passes_on

Rate = Annotated[float, Field(gt=0, le=10)]
Groups = Iterable[dict[str, Any]] | Iterable[torch.nn.Parameter]


@checked
@passes_on(SGD)
def sgd(
    params: Groups,
    lr: Rate = 0.05,
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9,
    nesterov: bool = True,
    weight_decay: Share = 5e-4,
    fused: bool = True,
    **more: Any,
) -> SGD:
    """SGD as in F3Net (Wei 2020).

    Args:
        params: the parameters to train.
        lr: the decoder's peak rate.
        momentum: as in PyTorch.
        nesterov: as in PyTorch.
        weight_decay: for all weights except norms and biases.
        fused: one kernel for all weights; switched off for bf16 and fp16.
        more: any other argument of `torch.optim.SGD`.
    """
    known = dict(lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    return SGD(params, **known, fused=fused, **more)  # type: ignore[arg-type]


@checked
@passes_on(AdamW)
def adamw(
    params: Groups,
    lr: Rate = 1e-4,
    weight_decay: Share = 0.05,
    fused: bool = True,
    **more: Any,
) -> AdamW:
    """AdamW (Loshchilov 2019).

    Args:
        params: the parameters to train.
        lr: the decoder's peak rate.
        weight_decay: for all weights except norms and biases.
        fused: one kernel for all weights; switched off for bf16 and fp16.
        more: any other argument of `torch.optim.AdamW`.
    """
    return AdamW(params, lr=lr, weight_decay=weight_decay, fused=fused, **more)  # type: ignore[arg-type]
