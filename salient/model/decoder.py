"""The parts of the boundary-guided decoder.

No paper describes the original; the parts and their order are those of ModelScope's
`damo/cv_res2net_salient-detection`, whose published weights load into them (`salient.weights`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from salient.model.blocks import ASPP, CBAM, ConvBNReLU, resize, split_groups


class Context(nn.Sequential):
    """ASPP, then CBAM: one encoder stage B,in,H,W -> its context B,width,H,W."""

    def __init__(self, inputs: int, branch: int, width: int) -> None:
        super().__init__()
        self.aspp = ASPP(inputs, branch, width)
        self.cbam = CBAM(width)


class Head(nn.Module):
    """A one-channel logit from fine and deep features.

    With `at="fine"` the deep features are enlarged to the fine ones' size (the edge head); with
    `at="deep"` the fine ones are reduced (the area head).
    """

    def __init__(self, fine: int, deep: int, width: int, at: str) -> None:
        super().__init__()
        self.at = at
        self.fine = ConvBNReLU(fine, width, 1, bias=True)
        self.deep = ConvBNReLU(deep, width, 1, bias=True)
        self.body = nn.Sequential(
            ConvBNReLU(2 * width, width, 3, bias=True),
            ConvBNReLU(width, width, 3, bias=True),
            nn.Conv2d(width, 1, 1),
        )

    def forward(self, fine: Tensor, deep: Tensor) -> Tensor:
        fine, deep = self.fine(fine), self.deep(deep)
        size = (fine if self.at == "fine" else deep).shape[2:]
        joined = [resize(x, size, align_corners=True) for x in (fine, deep)]
        logit: Tensor = self.body(torch.cat(joined, 1))
        return logit


class GroupEnhancement(nn.Module):
    """One group of channels joined with the edge probability: B,g,H,W, B,1,H,W -> B,width,H,W."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvBNReLU(inputs + 1, width, 3), ConvBNReLU(width, width, 1))
        self.gate = nn.Sequential(
            nn.Conv2d(2, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1, momentum=0.01)
        )

    def forward(self, x: Tensor, edge: Tensor) -> Tensor:
        x = self.body(torch.cat([x, edge], 1))
        # [max, mean] here, [mean, max] in CBAM: the published weights depend on both orders.
        statistics = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.gate(statistics))


class Enhancement(nn.Module):
    """Encoder features sharpened in groups with the edge: B,in,H,W -> B,out,H,W."""

    def __init__(self, inputs: int, outputs: int, group: int, width: int) -> None:
        super().__init__()
        self.groups = split_groups(inputs, group)
        self.enhance = nn.ModuleList(GroupEnhancement(size, width) for size in self.groups)
        self.join = nn.Sequential(
            ConvBNReLU(len(self.groups) * width, outputs, 3), ConvBNReLU(outputs, outputs, 1)
        )

    def forward(self, x: Tensor, edge_logit: Tensor) -> Tensor:
        edge = resize(torch.sigmoid(edge_logit), x.shape[2:], align_corners=False)
        parts = [
            block(part, edge) for block, part in zip(self.enhance, torch.split(x, self.groups, 1))
        ]
        joined: Tensor = self.join(torch.cat(parts, 1))
        return joined


class Fusion(nn.Module):
    """Fine features joined with coarse ones twice as small, split into object and surround.

    fine B,f,H,W; coarse B,c,H/2,W/2; guide logit B,1,H/2,W/2 -> B,f,H,W.
    """

    def __init__(self, fine: int, coarse: int, group: int) -> None:
        super().__init__()
        self.groups = split_groups(fine, group)
        self.reduce = ConvBNReLU(coarse, fine, 3)
        self.attend = nn.ModuleList(ConvBNReLU(2 * size, size, 1) for size in self.groups)
        self.square = ConvBNReLU(fine, fine, 3)
        self.cross3 = nn.Sequential(ConvBNReLU(fine, fine, (3, 1)), ConvBNReLU(fine, fine, (1, 3)))
        self.cross5 = nn.Sequential(ConvBNReLU(fine, fine, (5, 1)), ConvBNReLU(fine, fine, (1, 5)))
        self.join = ConvBNReLU(3 * fine, fine, 1)

    def forward(self, fine: Tensor, coarse: Tensor, guide_logit: Tensor) -> Tensor:
        size = fine.shape[2:]
        x = fine + resize(self.reduce(coarse), size, align_corners=True)
        inside = resize(torch.sigmoid(guide_logit), size, align_corners=True)
        outside = 1 - inside
        y = torch.cat(
            [
                block(torch.cat([part * inside, part * outside], 1))
                for block, part in zip(self.attend, torch.split(x, self.groups, 1))
            ],
            1,
        )
        fused: Tensor = self.join(torch.cat([self.square(y), self.cross3(y), self.cross5(y)], 1))
        return fused
