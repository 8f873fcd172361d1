"""What a detector answers with: an array, and all else that one run found."""

from __future__ import annotations

import pickle
from io import BytesIO
from tempfile import SpooledTemporaryFile

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from salient import Detector
from salient.arrays import Probabilities
from salient.data.images import read_image
from salient.detection.cutout import Cutout
from salient.detection.presence import stands_out
from salient.detection.result import Result
from tests.fixtures.engines import Counting
from tests.fixtures.profiles import DISPLAY_P3, content_of, matrix_profile, seen_as


@pytest.fixture
def detector():
    return Detector(Counting())


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)


def test_one_run_gives_map_probability_edge_mask_and_cutout(detector, picture, tmp_path):
    result = detector(picture)
    assert result.saliency.shape == result.probability.shape == result.edge.shape == (80, 120)
    assert result.probability.dtype == np.float32
    np.testing.assert_array_equal(np.rint(result.probability * 255), result)
    np.testing.assert_array_equal(result.mask(), np.where(result < 128, 0, 255))
    np.testing.assert_array_equal(result.mask(threshold=1), np.where(result < 1, 0, 255))
    made = result.cutout(background="white", crop=True)
    expected = Cutout("white", crop=True)(picture, result.saliency, result.edge)
    np.testing.assert_array_equal(made, expected)
    assert result.cutout().shape == (80, 120, 4)
    assert result.stands_out is stands_out(result.saliency, result.edge) is True
    np.testing.assert_array_equal(Image.open(result.save(tmp_path / "a.png")), result)
    assert detector.engine.runs == 1
    np.testing.assert_array_equal(detector.cutout(picture, background="white", crop=True), made)
    assert result.save(tmp_path / "a.webp", quality=80).read_bytes().startswith(b"RIFF")
    with pytest.raises(ValueError, match=r"must end in one of \.png, \.webp"):
        result.save(tmp_path / "a.gif")


def test_it_is_used_as_the_array_that_it_was(detector, picture):
    result = detector(picture)
    plain = np.array(result.saliency)
    assert isinstance(result, np.ndarray) and result.dtype == np.uint8
    assert np.asarray(result, np.float32).dtype == np.float32
    for made, expected in (
        (result > 128, plain > 128),
        (result / 255, plain / 255),
        (255 - result, 255 - plain),
        (result[:10, ::2], plain[:10, ::2]),
        (np.where(result > 9, 1, 0), np.where(plain > 9, 1, 0)),
        (np.stack([result, result]), np.stack([plain, plain])),
    ):
        assert type(made) is np.ndarray
        np.testing.assert_array_equal(made, expected)
    assert result.mean() == plain.mean() and result.max() == plain.max()
    np.testing.assert_array_equal(Image.fromarray(np.asarray(result)), plain)
    np.testing.assert_array_equal(Image.fromarray(result), plain)
    assert cv2.imencode(".png", result)[0] and cv2.resize(result, (8, 8)).shape == (8, 8)
    assert torch.as_tensor(np.asarray(result)).shape == (80, 120)
    result[result < 50] = 0
    np.testing.assert_array_equal(result, np.where(plain < 50, 0, plain))
    with pytest.raises(ValueError, match="computed from a Result"):
        _ = result.copy().probability


def test_a_network_without_edges_says_so(picture):
    result = Detector(Counting(edge=False))(picture)
    assert result.stands_out and result.cutout().shape == (80, 120, 4)
    with pytest.raises(ValueError, match="no edge output"):
        _ = result.edge
    assert next(Detector(Counting(edge=False)).detect([picture]))[1] is None


def test_nothing_stands_out_of_an_even_map(picture):
    even = Probabilities(np.full((64, 64), 0.9, np.float32), np.zeros((16, 16), np.float32))
    assert not Result(even, (80, 120), picture).stands_out
    assert not Result(even._replace(edge=None), (80, 120), picture).stands_out


def test_the_picture_of_a_list_is_read_again_for_its_cutout(detector, picture, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    for result in detector([path, str(path), path.read_bytes(), path.open("rb")]):
        np.testing.assert_array_equal(result.picture, picture)
        again = pickle.loads(pickle.dumps(result))
        np.testing.assert_array_equal(again, result)
        np.testing.assert_array_equal(again.cutout(), result.cutout())
    result = detector([path, path])[0]
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        result.cutout()


def test_pictures_of_many_kinds(detector, picture, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    content = path.read_bytes()
    spooled = SpooledTemporaryFile()  # noqa: SIM115 - as FastAPI's `UploadFile.file`
    spooled.write(content)
    tensor = torch.from_numpy(picture)
    kinds = [path, str(path), content, bytearray(content), memoryview(content), BytesIO(content)]
    kinds += [spooled, Image.open(path), picture, tensor, tensor.permute(2, 0, 1)]
    for source in kinds:
        np.testing.assert_array_equal(read_image(source), picture, err_msg=str(type(source)))
    assert len(detector(tuple(kinds))) == len(kinds)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "got NoneType"),
        (3, "got int"),
        (Image.new("RGB", (0, 5)), "0 x 5"),
        (torch.zeros(3, 5, 5), "float32"),
        (np.zeros((0, 5, 3), np.uint8), r"\(0, 5, 3\)"),
    ],
)
def test_what_is_no_picture_is_a_value_error(detector, source, message):
    with pytest.raises(ValueError, match=message):
        detector(source)


def test_a_file_without_a_name_is_not_called_none(detector):
    with SpooledTemporaryFile() as nothing, pytest.raises(ValueError, match="the picture given: "):
        nothing.write(b"nothing")
        detector(nothing)


@pytest.mark.parametrize("several", [False, True])
def test_a_cutout_in_python_is_in_srgb(tmp_path, several):
    """An array has no profile: in the picture's own colours it would be shown too pale."""
    profile = matrix_profile(*DISPLAY_P3)
    content = content_of(np.full((80, 120, 3), (220, 40, 41), np.uint8), "PNG", icc_profile=profile)
    (tmp_path / "a.png").write_bytes(content)
    detector, file = Detector(Counting()), str(tmp_path / "a.png")
    result = detector([file, file])[1] if several else detector(file)
    assert result.photo.profile == profile
    expected = seen_as((220, 40, 41), *DISPLAY_P3)
    for made in (result.cutout()[40, 60, :3], result.cutout(background="blur")[40, 60]):
        assert np.abs(made.astype(int) - expected).max() <= 2
