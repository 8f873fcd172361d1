"""Any timm backbone as a source of features at strides 4, 8, 16 and 32."""

from __future__ import annotations

import re
from typing import Any

import timm
import torch
import torch.nn.functional as F
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.layers import Conv2dSame
from torch import Tensor, nn

from salient.config import ConfigError, did_you_mean
from salient.model.pyramid import WIDTH, PlainTransformer, SimplePyramid

Channels = tuple[float, ...]  # a value for red, green and blue
STRIDES = (4, 8, 16, 32)


class ConstantSame(Conv2dSame):  # type: ignore[misc]
    """TensorFlow's "same" padding, which is constant if every side is a multiple of the stride.

    timm's class computes it from the input's sides; with symbolic sizes, torch.export then takes
    too long to be useful.
    """

    def forward(self, x: Tensor) -> Tensor:
        padding: list[int] = []
        for kernel, stride in zip(reversed(self.kernel_size), reversed(self.stride)):
            total = max(kernel - stride, 0)
            padding += [total // 2, total - total // 2]
        x = F.pad(x, padding)
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class Float32Gradients(nn.Module):
    """Makes a depthwise convolution train in float32 on a CPU, even under autocast.

    With oneDNN, the gradients of depthwise convolutions take three to four times as long in bf16
    as in float32; those of other convolutions take half (oneDNN 3.7, an AMD with AVX512-BF16).
    """

    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.to(self.weight.dtype))  # type: ignore[misc,no-any-return]
        return super().forward(x)  # type: ignore[misc,no-any-return]


class Depthwise(Float32Gradients, nn.Conv2d):
    """`nn.Conv2d` with a group for each channel."""


class DepthwiseSame(Float32Gradients, ConstantSame):
    """`ConstantSame` with a group for each channel."""


OF_KIND = {  # the replacement of a layer, by its class and whether it is depthwise
    (nn.Conv2d, True): Depthwise,
    (Conv2dSame, True): DepthwiseSame,
    (Conv2dSame, False): ConstantSame,
}


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


class Encoder(nn.Module):
    """B,3,H,W -> features at /4, /8, /16, /32 with `channels` channels.

    `res2net50d` equals the encoder of the original bit for bit. A plain transformer (ViT, DINOv2,
    DINOv3) gets a simple feature pyramid with random weights. Other weights are random, or those
    that timm loads for `pretrained`; see `salient.weights.imagenet.build_encoder`.

    Args:
        name: a timm model, such as `res2net50d`, `mobilenetv4_conv_small` or
            `vit_small_patch14_dinov2`.
        **pretrained: keywords of `timm.create_model` that say where weights come from.

    Attributes:
        body: the timm model.
        channels: of the four features.
        mean, std: of the RGB channels in [0, 1] that timm's weights were trained with.

    Raises:
        ValueError: there is no such model, or its strides are neither these nor all the same.
    """

    def __init__(self, name: str = "res2net50d", **pretrained: Any) -> None:
        super().__init__()
        self.name = name
        info = _feature_info(name)
        reductions = info.reduction()
        self.pyramid: SimplePyramid | None = None
        self.body: Any
        self.channels: list[int]
        if len(set(reductions)) == 1:
            self.body = PlainTransformer(name, reductions[0], **pretrained)
            self.pyramid = SimplePyramid(self.body.channels)
            self.channels = [WIDTH] * len(STRIDES)
        elif set(STRIDES) <= set(reductions):
            wanted = tuple(info.out_indices[reductions.index(stride)] for stride in STRIDES)
            self.body = _of_any_size(name, out_indices=wanted, **pretrained)
            self.channels = self.body.feature_info.channels()
        else:
            raise ConfigError(f"name: {name} has strides {reductions}, but {STRIDES} are needed")
        for module in self.body.modules():
            if kind := OF_KIND.get((type(module), _is_depthwise(module))):
                module.__class__ = kind
        known = timm.get_pretrained_cfg(name)  # of the weights that timm has by this name, if any
        self.mean: Channels = tuple(known.mean if known else IMAGENET_DEFAULT_MEAN)
        self.std: Channels = tuple(known.std if known else IMAGENET_DEFAULT_STD)
        self._channels_last = str(getattr(self.body, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, image: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.body(image)
        if self.pyramid is not None:
            features = self.pyramid(features)
        if self._channels_last:  # the Swin family
            features = [x.permute(0, 3, 1, 2).contiguous() for x in features]
        return features


def _feature_info(name: str) -> Any:
    """The features of a model, as timm describes them.

    Raises:
        ValueError: there is no such model, or it gives no features.
    """
    if not re.fullmatch(r"\w+(\.\w+)?", name) or not timm.is_model(name):  # no `hf-hub:`, no path
        near = did_you_mean(name, timm.list_models()) or "timm.list_models() names them"
        raise ConfigError(f"name: {name!r:.80} is not a timm model; {near}")
    try:
        return timm.create_model(name, features_only=True).feature_info
    except (RuntimeError, ValueError, AttributeError) as error:
        raise ConfigError(f"name: {name} is not a timm model with features: {error}") from error


def _of_any_size(name: str, **options: Any) -> Any:
    """A timm model that returns features for pictures of any size, if it can (the Swin family)."""
    try:
        return timm.create_model(name, features_only=True, strict_img_size=False, **options)
    except TypeError:  # no such option: it takes any size anyway
        return timm.create_model(name, features_only=True, **options)
