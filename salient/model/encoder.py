"""Any timm backbone as a source of features at strides 4, 8, 16 and 32, and its weights."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import timm
from torch import Tensor, nn

from salient.model.tensors import check_tensors, read_tensors

STRIDES = (4, 8, 16, 32)
CONNECT_SECONDS = 5


class Encoder(nn.Module):
    """B,3,H,W -> features at /4, /8, /16, /32 with `channels` channels.

    `res2net50d` is bit for bit the encoder of the original.

    Args:
        name: a timm model, such as `res2net50d` or `mobilenetv4_conv_small`.
        weights: `imagenet` (timm's, fetched once and cached; Res2Net's are CC BY-NC-SA 4.0),
            `none`, or a file: timm's safetensors, or the `.pth` of Res2Net's authors or of
            efficientnet_pytorch.

    Raises:
        ValueError: no such model, it lacks one of the strides, or the file does not fit it.
        FileNotFoundError: `weights` names no file.
        ConnectionError: `imagenet` is neither cached nor within reach.
    """

    def __init__(self, name: str = "res2net50d", weights: str = "imagenet") -> None:
        super().__init__()
        self.name = name
        try:
            info = timm.create_model(name, features_only=True).feature_info
        except (RuntimeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"encoder.name: {name} is no timm model with features: {error}"
            ) from error
        reductions = info.reduction()
        if not set(STRIDES) <= set(reductions):
            raise ValueError(f"encoder.name: {name} has strides {reductions}, needed are {STRIDES}")
        wanted = tuple(info.out_indices[reductions.index(stride)] for stride in STRIDES)
        pretrained = _imagenet(name) if weights == "imagenet" else {}
        self.body = timm.create_model(name, features_only=True, out_indices=wanted, **pretrained)
        self.channels: list[int] = self.body.feature_info.channels()
        self._channels_last = str(getattr(self.body, "output_fmt", "NCHW")).endswith("NHWC")
        if weights not in ("imagenet", "none"):
            self.load(weights)

    def forward(self, image: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.body(image)
        if self._channels_last:  # the Swin family
            features = [x.permute(0, 3, 1, 2).contiguous() for x in features]
        return features

    def load(self, path: str) -> None:
        """Load the encoder alone from a classifier's file; its classifying layers are left out."""
        state, _ = read_tensors(path)
        expected = self.body.state_dict()
        if "_conv_stem.weight" in state:  # efficientnet_pytorch: other names in timm's order
            state = dict(zip(timm.create_model(self.name).state_dict(), state.values()))
        head = ("fc.", "classifier.", "head.", "conv_head.", "bn2.", "norm_head.")
        state = {k: v for k, v in state.items() if k in expected or not k.startswith(head)}
        check_tensors(state, expected, path)
        self.body.load_state_dict(state)


def _imagenet(name: str) -> dict[str, Any]:
    """Arguments for timm to load ImageNet weights: from the cache without touching the network."""
    import huggingface_hub
    from huggingface_hub import constants

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise ValueError(f"timm has no ImageNet weights for {name}: encoder.weights=none")
    if config.hf_hub_id:
        for file in ("model.safetensors", "pytorch_model.bin"):
            cached = huggingface_hub.try_to_load_from_cache(config.hf_hub_id, file)
            if isinstance(cached, str):
                return {"pretrained": True, "pretrained_cfg_overlay": {"file": cached}}
    url = constants.ENDPOINT if config.hf_hub_id else config.url
    try:  # one quick knock: the hub's own client would retry for minutes
        request = urllib.request.Request(url, method="HEAD")
        urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # somebody answered
    except OSError as error:
        raise ConnectionError(
            f"the ImageNet weights of {name} are not cached and {url} is out of reach ({error}). "
            "Remedy: encoder.weights=FILE with a copy of them, or encoder.weights=none"
        ) from error
    return {"pretrained": True}
