"""The whole network, readable in one screen."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from salient.config import Share
from salient.model.blocks import ConvBNReLU, resize
from salient.model.decoder import Context, Enhancement, Fusion, Head
from salient.model.encoder import Encoder

Width = Annotated[int, Field(ge=1, le=4096)]
Side = Annotated[int, Field(ge=32, le=2048, multiple_of=32)]  # larger squares fill the memory
Deviation = Annotated[float, Field(ge=1e-3, le=10)]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Outputs(NamedTuple):
    """Logits of one batch. `saliency`: three B,1,H,W, from fine to coarse (stages /4, /8, /16).
    `edge`: B,1,H/4,W/4."""

    saliency: tuple[Tensor, Tensor, Tensor]
    edge: Tensor


class Probabilities(NamedTuple):
    """In [0, 1], float32 on the CPU: `saliency` B,H,W and `edge` (the boundary) B,H/4,W/4."""

    saliency: Tensor
    edge: Tensor


class SaliencyNetwork(nn.Module):
    """Encoder, context, edge and area heads, two edge-guided enhancements, two fusions.

    The defaults are the widths of ModelScope's `damo/cv_res2net_salient-detection`, whose weights
    load through `salient.load_network`.

    Args:
        encoder: features at strides 4, 8, 16 and 32.
        context: width of the context at /16 and /32; both together make the deep features.
        branch: width of each branch of the context's ASPP.
        head: width inside the edge head and the area head.
        fine: widths of the enhanced features at /4 and /8.
        group: channels that enhancement and fusion treat together.
        enhance: width of each enhanced group.
        size: side in pixels of the square that pictures are resized to, a multiple of 32.
        resize: the filter that does it, a name in `salient.data.transforms.RESIZE`.
        mean, std: of the RGB channels in [0, 1] under `normalize`.

    Raises:
        ValueError: a width below one, or a size that is no positive multiple of 32.
    """

    mean: Tensor
    std: Tensor
    origin = "made here"  # the file it was loaded from, and where that comes from, in a line

    def __init__(
        self,
        encoder: Encoder,
        context: Width = 256,
        branch: Width = 128,
        head: Width = 256,
        fine: tuple[Width, Width] = (128, 256),
        group: Annotated[int, Field(ge=1, le=65536)] = 128,
        enhance: Width = 64,
        size: Side = 352,
        resize: str = "area",
        mean: tuple[Share, Share, Share] = IMAGENET_MEAN,
        std: tuple[Deviation, Deviation, Deviation] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        widths = {"context": context, "branch": branch, "head": head, "fine": list(fine)}
        widths |= {"group": group, "enhance": enhance}
        for name, width in widths.items():
            if min(width if isinstance(width, list) else [width]) < 1:
                raise ValueError(f"model.network.{name} must be at least 1, got {width}")
        self.config: dict[str, Any] = {"encoder": encoder.name, **widths}
        self.config |= {"mean": list(mean), "std": list(std)}
        self.set_input(size, resize)
        c1, c2, c3, c4 = encoder.channels

        self.encoder = encoder
        self.context3 = Context(c3, branch, context)
        self.context4 = Context(c4, branch, context)
        self.deep = ConvBNReLU(2 * context, 2 * context, 1)
        self.edge = Head(c1, 2 * context, head, at="fine")
        self.area = Head(c1, 2 * context, head, at="deep")
        self.enhance1 = Enhancement(c1, fine[0], group, enhance)
        self.enhance2 = Enhancement(c2, fine[1], group, enhance)
        self.fuse8 = Fusion(fine[1], 2 * context, group)
        self.fuse4 = Fusion(fine[0], fine[1], group)
        self.out8 = nn.Conv2d(fine[1], 1, 1)
        self.out4 = nn.Conv2d(fine[0], 1, 1)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    def set_input(self, size: int, resize: str) -> None:
        """Choose the square that pictures are resized to: its side in pixels, and the filter.

        Raises:
            ValueError: a side that is no positive multiple of 32.
        """
        if size < 32 or size % 32:
            raise ValueError(f"model.network.size must be a positive multiple of 32, got {size}")
        self.size, self.resize = size, resize
        self.config |= {"size": size, "resize": resize}

    @torch.no_grad()
    def sharpen(self, factor: float) -> None:
        """Multiply the map's logit by a factor, for good: above 1, greys move to black or white.

        What is above .5 stays above it. The mean error and the weighted F-beta gain as a rule, the
        structure measure loses a little: docs/training.md says how to choose.

        Raises:
            ValueError: a factor that is not above 0, or not finite.
        """
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"sharpen must be a number above 0, got {factor}")
        for parameter in self.out4.parameters():
            parameter.mul_(factor)

    def normalize(self, images: Tensor) -> Tensor:
        """RGB uint8 B,3,H,W -> what `forward` takes: floats with the network's mean and deviation.

        Channels-last in memory, like the weights: depthwise convolutions on a CPU need it.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        return (images.to(self.mean.dtype) / 255 - self.mean) / self.std

    @torch.inference_mode()
    def predict(
        self, images: Tensor, precision: torch.dtype = torch.float32, flip: bool = False
    ) -> Probabilities:
        """RGB uint8 B,3,H,W -> saliency and boundary as probabilities, on the CPU.

        Runs where the network is, under autocast if `precision` is a type of 16 bits; with `flip`
        twice, and averages what it finds in a picture and in its mirror image. The network must be
        in eval mode. This is what scoring and the detector call.

        Raises:
            ValueError: a probability is NaN, which would be saved as a black map.
        """
        if flip:
            straight = self.predict(images, precision)
            mirrored = self.predict(images.flip(3), precision)
            return Probabilities(*((a + b.flip(2)) / 2 for a, b in zip(straight, mirrored)))
        device = self.mean.device
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            outputs = self(self.normalize(images.to(device, non_blocking=True)))
        saliency, edge = (
            torch.sigmoid(logit.to(self.mean.dtype))[:, 0].float().cpu()
            for logit in (outputs.saliency[0], outputs.edge)
        )
        if not (torch.isfinite(saliency).all() and torch.isfinite(edge).all()):
            word = "" if precision == torch.float32 else "; precision=fp32 may help"
            raise ValueError(f"the network's map is not finite: its checkpoint is damaged{word}")
        return Probabilities(saliency, edge)

    def forward(self, image: Tensor) -> Outputs:
        """Normalised RGB B,3,H,W -> logits. H and W are multiples of 32.

        Raises:
            ValueError: the input has another shape.
        """
        if image.dim() != 4 or image.shape[1] != 3 or image.shape[2] % 32 or image.shape[3] % 32:
            shape = tuple(image.shape)
            raise ValueError(f"the network takes B,3,H,W with H and W multiples of 32, got {shape}")
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
