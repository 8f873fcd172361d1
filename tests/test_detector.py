"""The one-call detector on files and arrays made here."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from PIL import Image

from salient import Detector, save_network


@pytest.fixture
def detector(small_network, tmp_path):
    torch.manual_seed(0)
    path = save_network(small_network(), tmp_path / "checkpoints" / "a.safetensors")
    return Detector.load(path, "cpu")


def test_path_and_array_give_one_map_of_the_pictures_size(detector, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (50, 81, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    first = detector(picture)
    assert first.shape == (50, 81) and first.dtype == np.uint8
    np.testing.assert_array_equal(detector(tmp_path / "a.png"), first)
    np.testing.assert_array_equal(detector(str(tmp_path / "a.png")), first)


def test_a_list_gives_a_list_in_order_whatever_the_batch(detector):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (40 + i, 60 - i, 3), np.uint8) for i in range(5)]
    detector.batch_size = 2
    maps = detector(pictures)
    assert [m.shape for m in maps] == [p.shape[:2] for p in pictures]
    for saliency, picture in zip(maps, pictures):
        assert np.abs(saliency.astype(int) - detector(picture)).max() <= 1
    assert detector([]) == []


@pytest.mark.parametrize(
    "picture", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3))]
)
def test_other_arrays_are_refused(detector, picture):
    with pytest.raises(ValueError, match=r"uint8 of shape \(H, W, 3\)"):
        detector(picture)


def test_without_weights_the_error_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="train first"):
        Detector.load()
    with pytest.raises(FileNotFoundError, match="checkpoint=gone"):
        Detector.load("gone")


def test_the_newest_published_weights_are_the_default(small_network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for age, name in ((10, "old"), (0, "new"), (20, "older")):
        path = save_network(
            small_network(size=64 if name == "new" else 96), f"checkpoints/{name}.safetensors"
        )
        os.utime(path, (1e9 - age, 1e9 - age))
    assert Detector.load().network.size == 64
