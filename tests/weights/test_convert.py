"""Checkpoints that are described, converted, sharpened and averaged by `salient weights`."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch

import salient
from salient.weights.edit import average_weights
from salient.weights.store import read_metadata
from tests.fixtures.networks import small_network

CONVERT = ("weights", "checkpoint=a.safetensors")


def test_describe_and_convert(call, tmp_path):
    salient.save_network(small_network(), tmp_path / "a.safetensors", {"data": "drawn"})
    call(tmp_path, *CONVERT, "output=b.safetensors")
    added = "add={licence: ours, score: '1=1'}"
    call(tmp_path, *CONVERT, "output=half.safetensors", "half=true", "size=96", added)
    a, b, half = (
        salient.load_network(tmp_path / f"{n}.safetensors").state_dict() for n in ("a", "b", "half")
    )
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert all(torch.equal(a[key].half().float(), half[key].float()) for key in a)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (
        tmp_path / "a.safetensors"
    ).stat().st_size
    assert salient.load_network(tmp_path / "half.safetensors").size == 96
    done = call(tmp_path, *CONVERT, "output=c.safetensors", "size=100", fails=True)
    assert "size must be a multiple of 32, got 100" in done.stderr
    metadata = read_metadata(tmp_path / "half.safetensors")
    assert (metadata["data"], metadata["licence"], metadata["score"]) == ("drawn", "ours", "1=1")
    done = call(tmp_path, "weights", "checkpoint=a.safetensors")
    digest = hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    assert digest in done.stdout and "data: drawn" in done.stdout and "resnet10t" in done.stdout
    done = call(tmp_path, "weights", "checkpoint=c.safetensors", fails=True)
    assert "error: checkpoint=c.safetensors: no such file" in done.stderr


def test_sharpening_multiplies_the_maps_logit_alone(call, tmp_path):
    salient.save_network(small_network(), tmp_path / "a.safetensors")
    call(tmp_path, *CONVERT, "output=sharp.safetensors", "sharpen=2")
    plain, sharp = (
        salient.load_network(tmp_path / f"{n}.safetensors")(torch.ones(1, 3, 64, 64))
        for n in ("a", "sharp")
    )
    assert torch.equal(sharp.saliency[0], 2 * plain.saliency[0])
    assert torch.equal(sharp.saliency[1], plain.saliency[1])
    assert torch.equal(sharp.edge, plain.edge)
    assert read_metadata(tmp_path / "sharp.safetensors")["sharpen"] == "2.0"
    done = call(tmp_path, *CONVERT, "output=c.safetensors", "sharpen=0", fails=True)
    assert "sharpen must be a number above 0, got 0" in done.stderr


def test_the_average_lies_between_runs(call, tmp_path):
    first, other = small_network(), small_network()
    salient.save_network(first, tmp_path / "a.safetensors")
    for name, value in (("b", 3.0), ("d", 6.0)):
        torch.nn.init.constant_(other.out4.weight, value)
        salient.save_network(other, tmp_path / f"{name}.safetensors")

    def mixed(*arguments):
        call(tmp_path, *CONVERT, "output=c.safetensors", *arguments)
        return salient.load_network(tmp_path / "c.safetensors").out4.weight

    weight = first.out4.weight
    assert torch.allclose(mixed("average=b.safetensors", "share=0.25"), 0.75 * weight + 0.25 * 3)
    several = "average=[b.safetensors,d.safetensors]"
    assert torch.allclose(mixed(several, "share=0.5"), 0.5 * weight + 0.25 * 3 + 0.25 * 6)
    assert torch.allclose(mixed(several), (weight + 3 + 6) / 3, atol=1e-6)
    stored = json.loads(read_metadata(tmp_path / "c.safetensors")["average"])
    assert stored == {"files": ["b.safetensors", "d.safetensors"], "share": 2 / 3}
    wrong = (*CONVERT, "output=e.safetensors", several, "share=1")
    assert "share must be in (0, 1), got 1" in call(tmp_path, *wrong, fails=True).stderr
    with pytest.raises(ValueError, match=r"its std is \[1, 1, 1\], not"):
        average_weights(first, [small_network(std=(1, 1, 1))], 0.5)
