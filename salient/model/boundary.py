"""The boundary-guided network, readable on one screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from salient.model.base import EncoderDimensions, EncoderNetwork, Outputs, Width
from salient.model.blocks import ConvBNReLU, resize
from salient.model.decoder import Context, Enhancement, Fusion, Head
from salient.model.encoder import Encoder


@dataclass(frozen=True)
class BoundaryDimensions(EncoderDimensions):
    """The defaults are the widths of ModelScope's `damo/cv_res2net_salient-detection`.

    Attributes:
        context: width of the context at /16 and /32; both together make the deep features.
        branch: width of each branch of the context's ASPP.
        head: width inside the edge head and the area head.
        fine: widths of the enhanced features at /4 and /8.
        group: channels that enhancement and fusion treat together.
        enhance: width of each enhanced group.
    """

    context: Width = 256
    branch: Width = 128
    head: Width = 256
    fine: tuple[Width, Width] = (128, 256)
    group: Annotated[int, Field(ge=1, le=65536)] = 128
    enhance: Width = 64


class BoundaryNetwork(EncoderNetwork):
    """Encoder, context, edge and area heads, two edge-guided enhancements, two fusions.

    Maps from fine to coarse: of the stages /4, /8 and /16. ModelScope's weights load into it
    through `salient.load_network`. See `BoundaryDimensions`.
    """

    Dimensions = BoundaryDimensions
    dimensions: BoundaryDimensions
    maps = {"out4": 1, "out8": 0.5, "area": 0.25}  # halved from fine to coarse: Wei 2020, F3Net
    has_edge = True
    logits = ("out4",)
    float_before = ("edge.fine.conv",)  # which takes the feature at /4

    def __init__(self, encoder: Encoder | str | None = None, **dimensions: Any) -> None:
        super().__init__(encoder, **dimensions)
        d = self.dimensions
        deep, (fine4, fine8), group = 2 * d.context, d.fine, d.group
        c1, c2, c3, c4 = self.encoder.channels

        self.context3 = Context(c3, d.branch, d.context)
        self.context4 = Context(c4, d.branch, d.context)
        self.deep = ConvBNReLU(deep, deep, 1)
        self.edge = Head(c1, deep, d.head, at="fine")
        self.area = Head(c1, deep, d.head, at="deep")
        self.enhance1 = Enhancement(c1, fine4, group, d.enhance)
        self.enhance2 = Enhancement(c2, fine8, group, d.enhance)
        self.fuse8 = Fusion(fine8, deep, group)
        self.fuse4 = Fusion(fine4, fine8, group)
        self.out8 = nn.Conv2d(fine8, 1, 1)
        self.out4 = nn.Conv2d(fine4, 1, 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> Outputs:
        """Normalised RGB B,3,H,W -> logits. H and W are multiples of 32; else a ValueError."""
        self.check_input(image)
        c1, c2, c3, c4 = self.encoder(image)  # /4, /8, /16, /32
        context3 = self.context3(c3)  # B,256,H/16,W/16
        context4 = self.context4(c4)  # B,256,H/32,W/32
        context4 = resize(context4, context3.shape[2:], align_corners=False)
        deep = self.deep(torch.cat([context4, context3], 1))  # B,512,H/16,W/16
        edge = self.edge(c1, deep)  # B,1,H/4,W/4
        area = self.area(c1, deep)  # B,1,H/16,W/16
        fine4 = self.enhance1(c1, edge)  # B,128,H/4,W/4
        fine8 = self.enhance2(c2, edge)  # B,256,H/8,W/8
        fused8 = self.fuse8(fine8, deep, area)  # B,256,H/8,W/8
        out8 = self.out8(fused8)  # B,1,H/8,W/8
        fused4 = self.fuse4(fine4, fused8, out8)  # B,128,H/4,W/4
        out4 = self.out4(fused4)  # B,1,H/4,W/4
        size = image.shape[2:]
        full4, full8, full16 = (resize(x, size, align_corners=False) for x in (out4, out8, area))
        return Outputs(saliency=(full4, full8, full16), edge=edge)


SaliencyNetwork = BoundaryNetwork  # the public name, from when there was one architecture
