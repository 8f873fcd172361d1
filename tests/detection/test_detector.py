"""The one-call detector on files and arrays made here."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from salient import Detector, save_network
from salient.data.formats import SUFFIXES
from salient.data.images import read_image, read_size
from salient.detection.by_torch import TorchEngine
from tests.fixtures.commands import SHARED


@pytest.fixture
def detector(small_network, tmp_path):
    torch.manual_seed(0)
    path = save_network(small_network(), tmp_path / "checkpoints" / "a.safetensors")
    return Detector.load(path, "cpu", "fp32", "torch")


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


def test_every_kind_of_file_is_taken_as_it_is_displayed(detector, tmp_path):
    rng = np.random.default_rng(3)
    rgb = cv2.resize(rng.integers(0, 256, (6, 9, 3), np.uint8), (90, 60))
    alpha = np.full((60, 90), 255, np.uint8)
    alpha[:, :30] = 0
    white = rgb.copy()
    white[:, :30] = 255
    grey = np.asarray(Image.fromarray(rgb).convert("L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 256 + 77)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the left
    turned = Image.fromarray(np.rot90(rgb).copy())
    frames = [Image.fromarray(rgb), Image.fromarray(255 - rgb)]
    animation = dict(save_all=True, append_images=frames[1:], lossless=True)
    palette = Image.fromarray(rgb).quantize(64)
    cases = {
        "plain.bmp": (Image.fromarray(rgb), {}, rgb),
        "alpha.png": (Image.fromarray(np.dstack([rgb, alpha])), {}, white),
        "grey.png": (Image.fromarray(grey), {}, np.dstack([grey] * 3)),
        "deep.png": (deep, {}, np.dstack([grey] * 3)),
        "palette.png": (palette, {}, np.asarray(palette.convert("RGB"))),
        "animated.webp": (frames[0], animation, rgb),
        "turned.png": (turned, dict(exif=exif), rgb),
        "one bit.png": (palette.convert("1"), {}, np.asarray(palette.convert("1").convert("RGB"))),
    }
    for name, (picture, options, expected) in cases.items():
        path = tmp_path / name
        picture.save(path, **options)
        np.testing.assert_array_equal(read_image(path), expected, err_msg=name)
        np.testing.assert_array_equal(detector(path), detector(expected), err_msg=name)
    ink = Image.fromarray(rgb).convert("CMYK")
    ink.save(tmp_path / "ink.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "ink.jpg").astype(int) - rgb).mean() < 4


def test_bytes_open_files_and_pil_images_give_the_map_of_the_path(detector, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (50, 81, 3), np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    with path.open("rb") as file, Image.open(path) as image:
        for given in (path.read_bytes(), file, image):
            np.testing.assert_array_equal(detector(given), detector(path))
    with pytest.raises(ValueError, match="the picture given: not a readable picture"):
        detector(b"nothing")
    with pytest.raises(ValueError, match=r"text\.png: not a readable picture"):
        (tmp_path / "text.png").write_text("nothing")
        detector(tmp_path / "text.png")


SAMPLES = SHARED / "data" / "samples"


@pytest.mark.skipif(not SAMPLES.exists(), reason="no real samples beside this checkout")
def test_original_files_of_every_set(detector):
    files = [p for p in SAMPLES.rglob("*") if p.suffix.lower() in SUFFIXES]
    assert len(files) > 20
    for path, saliency in zip(files, detector(list(files))):
        assert saliency.shape == read_size(path), path


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (2500, 2), (3, 7)])
def test_tiny_and_narrow_pictures(detector, size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert detector(picture).shape == detector.edges(picture).shape == size


def test_flip_averages_the_mirror_images_map(detector):
    picture = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    plain, mirrored = (detector.probability(np.ascontiguousarray(x)) for x in both(picture))
    detector.tta = "flip"
    average = detector.probability(picture)
    np.testing.assert_allclose(average, (plain + mirrored[:, ::-1]) / 2, atol=1e-6)
    assert not np.array_equal(average, plain)
    straight, turned = (detector.edges(np.ascontiguousarray(x)) for x in both(picture))
    np.testing.assert_array_equal(straight, turned[:, ::-1])
    with pytest.raises(ValueError, match="tta: 'rotate' is not valid; use flip or null"):
        Detector(detector.engine, tta="rotate")


def both(picture):
    """A picture and its mirror image."""
    return picture, picture[:, ::-1]


def test_probability_edges_and_normalize(detector):
    picture = np.random.default_rng(0).integers(0, 256, (50, 81, 3), np.uint8)
    probability = detector.probability(picture)
    assert probability.dtype == np.float32 and probability.shape == (50, 81)
    np.testing.assert_array_equal(np.rint(probability * 255), detector(picture))
    edges = detector.edges(picture)
    assert edges.shape == (50, 81) and not np.array_equal(edges, detector(picture))
    detector.normalize = True
    stretched = detector.probability(picture)
    # The stretch is before the resize, as the network gives it: the ends are nearly reached.
    assert stretched.min() < 0.1 and stretched.max() > 0.9
    assert np.corrcoef(stretched.ravel(), probability.ravel())[0, 1] > 0.999
    for parameter in detector.engine.network.out4.parameters():
        parameter.data.zero_()  # a constant map of one half
    assert (detector(picture) == 128).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3)),
    ],
)
def test_other_arrays_are_refused(detector, picture):
    with pytest.raises(ValueError, match=r"uint8 of shape \(H, W, 3\)"):
        detector(picture)


def test_a_checkpoint_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="checkpoint=gone"):
        Detector.load("gone")


def test_the_weights_in_the_box_are_the_default_and_last_is_the_newest(
    small_network, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="checkpoint=last: no safetensors file in check"):
        Detector.load("last")
    for age, name in ((10, "old"), (0, "new"), (20, "older")):
        path = save_network(
            small_network(size=64 if name == "new" else 96), f"checkpoints/{name}.safetensors"
        )
        os.utime(path, (1e9 - age, 1e9 - age))
    assert Detector.load("last").engine.size == 64
    assert Detector.load().engine.origin.endswith("320 px, the bundled weights 'best'")
    assert Detector.load("fast").engine.size == 192


def test_a_map_that_is_not_finite_is_an_error_and_no_black_map(small_network):
    network = small_network().eval()
    network.out4.weight.data.fill_(3e38)  # finite, but its sums are not
    with torch.no_grad():
        network.fuse4.join.bn.weight.data.fill_(3e38)
    with pytest.raises(ValueError, match="map is not finite"):
        Detector(TorchEngine(network))(np.zeros((40, 40, 3), np.uint8))
