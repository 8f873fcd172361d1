"""A plain transformer's features at one stride, made into four (Li 2022, ViTDet, section 3)."""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor, nn

from salient.model.blocks import resize

WIDTH = 256  # of every level, as in the paper
COARSE = 16  # the stride at which the features count


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each place: B,C,H,W -> B,C,H,W."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return normed


class SimplePyramid(nn.ModuleList):
    """One feature B,C,H/16,W/16 -> four features at /4, /8, /16 and /32 with WIDTH channels."""

    def __init__(self, channels: int) -> None:
        half = channels // 2
        up2 = nn.ConvTranspose2d(channels, half, 2, 2)
        up4 = (nn.ConvTranspose2d(channels, half, 2, 2), ChannelNorm(half), nn.GELU())
        scales: list[tuple[list[nn.Module], int]] = [
            ([*up4, nn.ConvTranspose2d(half, half // 2, 2, 2)], half // 2),
            ([up2], half),
            ([], channels),
            ([nn.MaxPool2d(2, 2)], channels),
        ]
        super().__init__(
            nn.Sequential(
                *layers,
                nn.Conv2d(width, WIDTH, 1, bias=False),
                ChannelNorm(WIDTH),
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
                ChannelNorm(WIDTH),
            )
            for layers, width in scales
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        return [level(x) for level in self]


class PlainTransformer(nn.Module):
    """The last feature of a plain transformer, for pictures with sides that are multiples of 32.

    A patch counts as 16 pixels. For other patches, such as DINOv2's of 14 pixels, the picture is
    first resized to 14/16 of its size. Position embeddings are resampled to the picture.

    Args:
        name: a timm model with features of a single stride.
        patch: that stride.
        **pretrained: keywords of `timm.create_model` that say where weights come from.
    """

    def __init__(self, name: str, patch: int, **pretrained: Any) -> None:
        super().__init__()
        self.patch = patch
        self.model = timm.create_model(
            name, features_only=True, out_indices=(-1,), dynamic_img_size=True, **pretrained
        )
        self.channels: int = self.model.feature_info.channels()[-1]

    def forward(self, image: Tensor) -> Tensor:
        rows, columns = (side // COARSE * self.patch for side in image.shape[2:])
        features: Tensor = self.model(resize(image, (rows, columns), align_corners=False))[-1]
        return features
