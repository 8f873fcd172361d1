"""The building blocks of the decoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvBNReLU(nn.Sequential):
    """Convolution that keeps the size, batch normalisation, ReLU: B,in,H,W -> B,out,H,W.

    `kernel` is a side or (height, width), both odd.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int] = 3,
        *,
        dilation: int = 1,
        bias: bool = False,
    ) -> None:
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (dilation * (height // 2), dilation * (width // 2))
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, (height, width), 1, padding, dilation, bias=bias)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling (Chen 2017, DeepLabv3, section 3.3): B,in,H,W -> B,out,H,W.

    The pooled branch normalises a 1 x 1 map, so training needs a batch of at least two.
    """

    DILATIONS = (2, 5, 7)

    def __init__(self, inputs: int, branch: int, outputs: int) -> None:
        super().__init__()
        self.point = ConvBNReLU(inputs, branch, 1)
        self.dilated = nn.ModuleList(
            ConvBNReLU(inputs, branch, 3, dilation=rate) for rate in self.DILATIONS
        )
        self.pooled = ConvBNReLU(inputs, branch, 1)
        self.fuse = ConvBNReLU((2 + len(self.DILATIONS)) * branch, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pooled(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        branches = [self.point(x), *(conv(x) for conv in self.dilated), pooled]
        fused: Tensor = self.fuse(torch.cat(branches, 1))
        return fused


class CBAM(nn.Module):
    """Convolutional block attention (Woo 2018, eq. 2 and 3): a channel gate, then a spatial gate.

    B,C,H,W -> B,C,H,W. The hidden width is C/16, at least one.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )
        self.spatial = nn.Conv2d(2, 1, 5, padding=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mean, peak = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        x = x * torch.sigmoid(self.mlp(mean) + self.mlp(peak))
        statistics = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.spatial(statistics))


def split_groups(channels: int, group: int) -> list[int]:
    """Widths of the groups of `group` channels in `channels`; the last may be smaller."""
    full, rest = divmod(channels, group)
    return [group] * full + [rest] * (rest > 0)


def resize(x: Tensor, size: tuple[int, int] | torch.Size, *, align_corners: bool) -> Tensor:
    """Bilinear resize of B,C,H,W to `size` (height, width). Unchanged sizes pass through."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=align_corners)
