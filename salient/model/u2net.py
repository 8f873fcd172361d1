"""U-2-Net (Qin 2020, "Going deeper with nested U-structure for salient object detection")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from salient.model.base import InputDimensions, Network, Outputs, Side, Width
from salient.model.blocks import ConvBNReLU, resize

LEVELS = (7, 6, 5, 4, 0, 0)  # levels of each block, from fine to coarse; 0 is a dilated block
Six = tuple[Width, Width, Width, Width, Width, Width]
Five = tuple[Width, Width, Width, Width, Width]


@dataclass(frozen=True)
class U2NetDimensions(InputDimensions):
    """The defaults are those of the authors' `u2net`, with 44 M weights.

    `configs/model/u2netp.yaml` has the dimensions of their small network.

    Attributes:
        inner, outer: widths within and after the six blocks on the way down, from fine to coarse.
        inner_up, outer_up: widths of the five blocks on the way up, from fine to coarse.
    """

    size: Side = 320
    inner: Six = (32, 32, 64, 128, 256, 256)
    outer: Six = (64, 128, 256, 512, 512, 512)
    inner_up: Five = (16, 32, 64, 128, 256)
    outer_up: Five = (64, 64, 128, 256, 512)


class Nested(nn.Module):
    """RSU-L, a U of `levels` levels with its input added (Qin 2020, section 3.1): size unchanged.

    With 0 levels it is RSU-4F: four levels with dilated convolutions instead of pooling.
    """

    def __init__(self, inputs: int, inner: int, outputs: int, levels: int) -> None:
        super().__init__()
        self.pools = levels > 0
        count = (levels or 4) - 1
        dilations = [1] * count if self.pools else [2**k for k in range(count)]
        widths = [outputs] + [inner] * count
        self.enter = ConvBNReLU(inputs, outputs, bias=True)
        self.down = nn.ModuleList(
            ConvBNReLU(width, inner, dilation=d, bias=True) for width, d in zip(widths, dilations)
        )
        bottom = 2 if self.pools else 2 * dilations[-1]
        self.bottom = ConvBNReLU(inner, inner, dilation=bottom, bias=True)
        self.up = nn.ModuleList(
            ConvBNReLU(2 * inner, width, dilation=d, bias=True)
            for width, d in zip([outputs] + [inner] * (count - 1), dilations)
        )

    def forward(self, x: Tensor) -> Tensor:
        entered: Tensor = self.enter(x)
        x = entered
        kept: list[Tensor] = []
        for k, block in enumerate(self.down):
            x = block(halve(x) if k and self.pools else x)
            kept.append(x)
        x = self.bottom(x)
        for block, fine in zip(reversed(self.up), reversed(kept)):
            x = block(torch.cat([resize(x, fine.shape[2:], align_corners=False), fine], 1))
        return x + entered


def halve(x: Tensor) -> Tensor:
    """The largest of each 2 x 2: B,C,H,W -> B,C,H/2,W/2.

    The authors round odd sides up. Here no side is odd: the input's are multiples of 32.
    """
    return F.max_pool2d(x, 2, 2)


class U2Net(Network):
    """A U of nested Us: six blocks down, five up, a map from each level, and one fused from all.

    `salient.load_network` loads the authors' `u2net.pth` and `u2netp.pth` into it.
    """

    Dimensions = U2NetDimensions
    dimensions: U2NetDimensions
    maps = {"fused": 1} | {f"side{k}": 1 for k in range(1, 7)}  # all alike: section 3.3
    logits = ("fuse",)
    float_before = ("down.1.enter.conv",)  # the first block, at the picture's own size

    def __init__(self, **dimensions: Any) -> None:
        super().__init__(**dimensions)
        d = self.dimensions
        inputs = (3, *d.outer[:5])
        self.down = nn.ModuleList(map(Nested, inputs, d.inner, d.outer, LEVELS))
        below = (*d.outer_up[1:], d.outer[5])  # what comes up into each block
        joined = [fine + coarse for fine, coarse in zip(d.outer, below)]
        self.up = nn.ModuleList(map(Nested, joined, d.inner_up, d.outer_up, LEVELS))
        widths = (*d.outer_up, d.outer[5])
        self.side = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in widths)
        self.fuse = nn.Conv2d(len(widths), 1, 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> Outputs:
        """Normalised RGB B,3,H,W -> logits. H and W are multiples of 32; else a ValueError."""
        self.check_input(image)
        size, features = image.shape[2:], []
        x = image
        for k, block in enumerate(self.down):
            x = block(halve(x) if k else x)  # B,64,H,W ... B,512,H/32,W/32
            features.append(x)
        levels = [x]
        for block, fine in zip(reversed(self.up), reversed(features[:5])):
            x = block(torch.cat([resize(x, fine.shape[2:], align_corners=False), fine], 1))
            levels.insert(0, x)  # B,512,H/16,W/16 ... B,64,H,W
        sides = [side(x) for side, x in zip(self.side, levels)]  # six logits, from fine to coarse
        maps = [resize(x, size, align_corners=False) for x in sides]  # B,1,H,W
        fused = self.fuse(torch.cat(maps, 1))  # B,1,H,W
        return Outputs(saliency=(fused, *maps))
