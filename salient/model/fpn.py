"""A lean feature pyramid network (Lin 2017): a baseline, and a start for your own decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from salient.model.base import EncoderDimensions, EncoderNetwork, Outputs, Width
from salient.model.blocks import ConvBNReLU, resize
from salient.model.encoder import Encoder


@dataclass(frozen=True)
class FpnDimensions(EncoderDimensions):
    """Widths for an encoder of some five million weights.

    Attributes:
        widths: of the levels at /4, /8 and /16; the features at /32 have the last.
    """

    widths: tuple[Width, Width, Width] = (32, 48, 64)


class Attention(nn.Module):
    """Self-attention of one head over all places (Vaswani 2017, eq. 1), added: B,C,H,W the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        split = self.qkv(self.norm(x)).flatten(2).transpose(1, 2)[:, None]  # B,1,HW,3C
        attended = F.scaled_dot_product_attention(*split.chunk(3, 3))  # B,1,HW,C
        mixed: Tensor = self.out(attended[:, 0].transpose(1, 2).reshape(x.shape))
        return x + mixed


class Level(nn.Module):
    """One level: the encoder's feature, joined with coarser ones, then 3 x 3, 5 x 5 and 1 x 1.

    fine B,f,H,W; coarse B,c,H/2,W/2 -> B,width,H,W. The 5 x 5 convolution is depthwise.
    """

    def __init__(self, fine: int, coarse: int, width: int) -> None:
        super().__init__()
        self.lateral = ConvBNReLU(fine, width, 1)
        self.reduce = nn.Conv2d(coarse, width, 1)
        self.square = ConvBNReLU(width, width, 3)
        self.wide = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
        self.join = ConvBNReLU(width, width, 1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        x = self.lateral(fine)
        x = x + resize(self.reduce(coarse), x.shape[2:], align_corners=False)
        joined: Tensor = self.join(self.wide(self.square(x)))
        return joined


class FpnNetwork(EncoderNetwork):
    """Self-attention over /32, then three levels upwards, each with a map.

    The finest map is shuffled together from 16 at /4. See `FpnDimensions`.
    """

    Dimensions = FpnDimensions
    dimensions: FpnDimensions
    maps = {"out4": 1, "out8": 0.5, "out16": 0.25}
    has_edge = True
    logits = ("out4.0",)
    float_before = ("level4.lateral.conv",)

    def __init__(self, encoder: Encoder | str | None = None, **dimensions: Any) -> None:
        super().__init__(encoder, **dimensions)
        width4, width8, width16 = self.dimensions.widths
        c1, c2, c3, c4 = self.encoder.channels
        self.deep = nn.Sequential(ConvBNReLU(c4, width16, 1), Attention(width16))
        self.level16 = Level(c3, width16, width16)
        self.level8 = Level(c2, width16, width8)
        self.level4 = Level(c1, width8, width4)
        self.out16 = nn.Conv2d(width16, 1, 1)
        self.out8 = nn.Conv2d(width8, 1, 1)
        self.out4 = nn.Sequential(nn.Conv2d(width4, 16, 1), nn.PixelShuffle(4))
        self.edge = nn.Conv2d(width4, 1, 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> Outputs:
        """Normalised RGB B,3,H,W -> logits. H and W are multiples of 32; else a ValueError."""
        self.check_input(image)
        c1, c2, c3, c4 = self.encoder(image)  # /4, /8, /16, /32
        deep = self.deep(c4)  # B,64,H/32,W/32
        fused16 = self.level16(c3, deep)  # B,64,H/16,W/16
        fused8 = self.level8(c2, fused16)  # B,48,H/8,W/8
        fused4 = self.level4(c1, fused8)  # B,32,H/4,W/4
        full4 = self.out4(fused4)  # B,1,H,W
        coarse = self.out8(fused8), self.out16(fused16)
        full8, full16 = (resize(x, image.shape[2:], align_corners=False) for x in coarse)
        return Outputs(saliency=(full4, full8, full16), edge=self.edge(fused4))
