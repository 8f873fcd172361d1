"""The embedded sample: the same everywhere, and a fair miniature of the task."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from salient.sample import draw as sample
from salient.sample.draw import COUNTS, draw_pair, write_sample

DIGESTS = {  # one picture of each background
    ("test", 0): "afa7c109a8969b60",  # tiles
    ("test", 2): "0f3624bd7bb96dd4",  # ripples
    ("test", 3): "9f23e3f3e1f182f1",  # meadow
    ("test", 4): "d0c4c441bd371386",  # horizon
    ("test", 11): "4d4339cbf6de53e2",  # cloth
    ("test", 13): "59607c6544b83cbc",  # gravel
    ("test", 14): "66f8b5427857543f",  # planks
}


@pytest.fixture(scope="module")
def pairs(sample_root):
    """Every written pair: picture RGB H,W,3 and mask H,W."""
    root = sample_root / "sample"
    return [
        (cv2.imread(str(image))[..., ::-1], cv2.imread(str(mask), cv2.IMREAD_UNCHANGED))
        for split in COUNTS
        for image, mask in zip(
            sorted((root / split / "images").iterdir()), sorted((root / split / "masks").iterdir())
        )
    ]


@pytest.fixture
def few(monkeypatch):
    """A set of five pairs instead of 128."""
    monkeypatch.setattr(sample, "COUNTS", {"train": 3, "test": 2})


def digest(image, mask):
    return hashlib.sha256(image.tobytes() + mask.tobytes()).hexdigest()[:16]


def regions(mask, share):
    """How many connected regions of a binary mask cover at least a share of it."""
    areas = cv2.connectedComponentsWithStats(mask)[2][1:, cv2.CC_STAT_AREA]
    return int((areas >= share * mask.size).sum())


def test_pictures_have_the_bits_they_always_had():
    assert {place: digest(*draw_pair(*place)) for place in DIGESTS} == DIGESTS


@pytest.mark.parametrize(("split", "index"), [("val", 0), ("train", -1), ("test", COUNTS["test"])])
def test_what_is_not_there_is_refused(split, index):
    with pytest.raises(ValueError, match="got"):
        draw_pair(split, index)


def test_files_hold_the_pairs_bit_by_bit(pairs):
    assert len(pairs) == sum(COUNTS.values()) == 128
    for place in (0, 50, 96, 127):
        split, index = ("train", place) if place < 96 else ("test", place - 96)
        assert digest(*pairs[place]) == digest(*draw_pair(split, index))


def test_no_two_pictures_are_the_same(pairs):
    assert len({digest(*pair) for pair in pairs}) == len(pairs)


def test_masks_are_binary_and_of_mixed_sizes(pairs):
    shares = []
    for image, mask in pairs:
        assert image.shape == (*mask.shape, 3)
        assert image.dtype == mask.dtype == np.uint8
        assert min(mask.shape) >= 160 and max(mask.shape) <= 240
        assert set(np.unique(mask)) == {0, 255}
        shares.append((mask > 0).mean())
    assert 0.03 <= min(shares) < 0.06 and 0.4 < max(shares) <= 0.5
    assert len({mask.shape for _, mask in pairs}) > 100
    assert sum(mask.shape[0] > mask.shape[1] for _, mask in pairs) > 20


def test_the_hard_cases_are_there(pairs):
    masks = [mask for _, mask in pairs]
    rims = [np.concatenate([m[0], m[-1], m[:, 0], m[:, -1]]) for m in masks]
    assert sum(bool(rim.any()) for rim in rims) >= 30
    assert sum(regions(255 - m, 0.001) > 1 for m in masks) >= 30, "holes"
    assert sum(regions(m, 0.003) > 1 for m in masks) >= 12, "several objects"
    contrasts = [abs(i[m > 0].mean(0) - i[m == 0].mean(0)).mean() for i, m in pairs]
    assert sum(contrast < 25 for contrast in contrasts) >= 25


def test_neither_the_centre_nor_colour_alone_is_the_answer(pairs):
    centre, colour = [], []
    for image, mask in pairs:
        truth, (height, width) = mask / 255, mask.shape
        y, x = np.mgrid[:height, :width]
        squares = (y / height - 0.5) ** 2 + (x / width - 0.5) ** 2
        centre.append(abs(np.exp(-squares / 0.08) - truth).mean())
        soft = cv2.GaussianBlur(image, (0, 0), 2).astype(float)
        rim = np.concatenate([soft[:8].reshape(-1, 3), soft[-8:].reshape(-1, 3)])
        unlike = np.linalg.norm(soft - rim.mean(0), axis=2)
        colour.append(abs(unlike / unlike.max() - truth).mean())
    assert np.mean(centre) > 0.2
    assert np.mean(colour) > 0.2


def test_writing_again_changes_nothing(tmp_path, few):
    assert write_sample(tmp_path) == tmp_path
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    write_sample(tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before
    assert len(before) == 6 + 10 + 1  # folders, pictures and masks, the marker


@pytest.mark.parametrize("lost", ["train/masks/0001.png", sample.MARKER])
def test_a_partial_set_is_completed(tmp_path, few, lost):
    write_sample(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    (tmp_path / lost).unlink()
    write_sample(tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before


def test_an_older_drawing_is_replaced(tmp_path, few):
    write_sample(tmp_path)
    picture = tmp_path / "test/images/0000.png"
    fresh = picture.read_bytes()
    picture.write_bytes(b"older")
    (tmp_path / sample.MARKER).write_text("0")
    write_sample(tmp_path)
    assert picture.read_bytes() == fresh


def test_two_at_once_leave_one_whole_set(tmp_path, few):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_sample, [tmp_path, tmp_path]))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 11
    assert all(cv2.imread(str(file)) is not None for file in files if file.suffix == ".png")
