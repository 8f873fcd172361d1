"""The network's shapes, its choice of encoder and width, and its errors."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch

from salient.model.blocks import ASPP, CBAM, split_groups
from salient.model.boundary import BoundaryNetwork
from salient.model.encoder import Encoder


@pytest.mark.parametrize("height, width", [(32, 64), (64, 64), (96, 160)])
def test_outputs_are_logits_of_the_stated_shapes(small_network, height, width):
    network = small_network().eval()
    with torch.inference_mode():
        outputs = network(torch.randn(2, 3, height, width))
    assert [x.shape for x in outputs.saliency] == [(2, 1, height, width)] * 3
    assert outputs.edge.shape == (2, 1, height // 4, width // 4)


@pytest.mark.parametrize("shape", [(1, 3, 33, 64), (1, 1, 64, 64), (3, 64, 64)])
def test_other_inputs_are_refused(small_network, shape):
    with pytest.raises(ValueError, match="multiples of 32"):
        small_network().eval()(torch.zeros(shape))


@pytest.mark.parametrize(
    "name",
    ["resnet10t", "mobilenetv4_conv_small", "convnext_atto", "swin_tiny_patch4_window7_224"],
)
def test_any_timm_backbone_with_the_four_strides(small_network, name):
    network = small_network(name).eval()
    with torch.inference_mode():
        size = 224 if name.startswith("swin") else 64
        outputs = network(torch.randn(1, 3, size, size))
    assert outputs.saliency[0].shape == (1, 1, size, size)


def test_constant_same_padding_is_timms_at_multiples_of_32():
    torch.manual_seed(0)
    ours = Encoder("tf_efficientnet_lite0").eval()
    theirs = timm.create_model(
        "tf_efficientnet_lite0", features_only=True, out_indices=(1, 2, 3, 4)
    )
    theirs.load_state_dict(ours.body.state_dict())
    for size in ((32, 64), (96, 160)):
        image = torch.randn(1, 3, *size)
        with torch.inference_mode():
            for a, b in zip(ours(image), theirs.eval()(image), strict=True):
                assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "mobilenetv4_conv_small"])
def test_depthwise_layers_train_in_float32_under_autocast(name):
    encoder = Encoder(name)
    seen = {}
    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda m, _, out: seen.update({m: out.dtype}))
    for training in (True, False):
        seen.clear()
        with torch.autocast("cpu", torch.bfloat16):
            encoder.train(training)(torch.randn(2, 3, 64, 64))
        depthwise = {dtype for m, dtype in seen.items() if m.groups == m.in_channels > 1}
        assert depthwise == {torch.float32 if training else torch.bfloat16}
        assert {dtype for m, dtype in seen.items() if m.groups == 1} == {torch.bfloat16}


def test_the_defaults_are_the_published_widths():
    network = BoundaryNetwork(Encoder("res2net50d"))
    weights = sum(p.numel() for p in network.parameters())
    assert weights == 47_409_736  # 48.4 M in the published file, 0.99 M of them never used
    assert network.config["encoder"] == "res2net50d" and network.size == 352


def test_every_weight_is_used(small_network):
    network = small_network().train()
    outputs = network(torch.randn(2, 3, 64, 64))
    (sum(x.sum() for x in outputs.saliency) + outputs.edge.sum()).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []


def test_predict_is_the_sigmoid_of_the_finest_logit(small_network):
    network = small_network().eval()
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        expected = torch.sigmoid(network(network.normalize(images)).saliency[0])[:, 0]
    assert np.array_equal(network.predict(images).saliency, expected)


def test_normalize_is_imagenets(small_network):
    image = torch.tensor([124, 116, 104], dtype=torch.uint8).view(1, 3, 1, 1)
    assert small_network().normalize(image).abs().max() < 0.01


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": 100}, "size must be a multiple of 32, got 100"),
        ({"fine": (8, 0)}, "fine.1 must be at least 1, got"),
        ({"widht": 3}, "widht: unknown key"),
    ],
)
def test_bad_widths_name_their_key(small_network, changes, named):
    with pytest.raises(ValueError, match=named):
        small_network(**changes)


@pytest.mark.parametrize("name", ["no_such_net", "crossvit_9_240"])
def test_unfit_encoders_are_named(name):
    with pytest.raises(ValueError, match=f"^name: '?{name}"):
        Encoder(name)


def test_groups_and_gates():
    assert split_groups(256, 128) == [128, 128] and split_groups(200, 128) == [128, 72]
    x = torch.rand(2, 32, 8, 8)
    gated = CBAM(32)(x)
    assert gated.shape == x.shape and (gated <= x).all() and (gated >= 0).all()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        ASPP(8, 4, 8).train()(torch.randn(1, 8, 4, 4))
