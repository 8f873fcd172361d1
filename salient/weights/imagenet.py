"""ImageNet weights for an encoder: timm's, or another project's file."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import timm

from salient.config import ConfigError
from salient.model.encoder import Encoder
from salient.model.pyramid import PlainTransformer
from salient.tensors import check_tensors, read_tensors

CONNECT_SECONDS = 5


def build_encoder(name: str = "res2net50d", weights: str = "imagenet") -> Encoder:
    """An encoder to start training from.

    Args:
        name: a timm model; see `Encoder`.
        weights: `imagenet` (timm's, downloaded once and cached; Res2Net's are CC BY-NC-SA 4.0),
            `none`, or a file: timm's safetensors, or the `.pth` of Res2Net's authors or of
            efficientnet_pytorch.

    Raises:
        ValueError: no such model, a stride is missing, or the file does not fit the model.
        FileNotFoundError: there is no file `weights`.
        ConnectionError: the weights are not cached and cannot be downloaded.
    """
    if weights == "imagenet":
        return Encoder(name, **_imagenet(name))
    encoder = Encoder(name)
    if weights != "none":
        load_classifier(encoder, weights)
    return encoder


def load_classifier(encoder: Encoder, path: str) -> None:
    """Load an encoder from a classifier's file; its classifying layers are left out.

    Raises:
        ValueError: the file is damaged or does not fit; the message names the first tensor.
        FileNotFoundError: there is no such file.
    """
    state, _ = read_tensors(path)
    expected = encoder.body.state_dict()
    if "_conv_stem.weight" in state:  # efficientnet_pytorch: other names in timm's order
        state = dict(zip(timm.create_model(encoder.name).state_dict(), state.values()))
    if isinstance(encoder.body, PlainTransformer):  # contains timm's model unchanged
        state = {f"model.model.{key}": value for key, value in state.items()}
    head: tuple[str, ...] = ("fc.", "classifier.", "head.", "conv_head.", "bn2.", "norm_head.")
    head += ("model.model.norm.", "model.model.fc_norm.", "model.model.head.")
    state = {k: v for k, v in state.items() if k in expected or not k.startswith(head)}
    check_tensors(state, expected, path)
    encoder.body.load_state_dict(state)


def _imagenet(name: str) -> dict[str, Any]:
    """Arguments for timm to load ImageNet weights, from the cache if they are there."""
    import huggingface_hub
    from huggingface_hub import constants

    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise ConfigError(f"weights: timm has no ImageNet weights for {name}; use none")
    if config.hf_hub_id:
        for file in ("model.safetensors", "pytorch_model.bin"):
            cached = huggingface_hub.try_to_load_from_cache(config.hf_hub_id, file)
            if isinstance(cached, str):
                return {"pretrained": True, "pretrained_cfg_overlay": {"file": cached}}
    url = constants.ENDPOINT if config.hf_hub_id else config.url
    try:  # one quick request: the hub's own client would retry for minutes
        request = urllib.request.Request(url, method="HEAD")
        urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # the server answered
    except OSError as error:
        raise ConnectionError(
            f"the ImageNet weights of {name} are not cached, and {url} cannot be reached "
            f"({error}); use weights=FILE with a copy of them, or weights=none"
        ) from error
    return {"pretrained": True}
