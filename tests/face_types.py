"""The types of what `import salient` offers: `make check` reads this file, and nothing runs it."""

from pathlib import Path
from typing import assert_type

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from salient import Detector, Result


def detect(detector: Detector, images: list[Image.Image], paths: list[Path]) -> None:
    """A map or a list of maps, by what is given."""
    one = assert_type(detector("photo.jpg"), Result)
    array: NDArray[np.uint8] = detector(Path("photo.jpg"))
    assert_type(detector(["a.jpg", "b.jpg"]), list[Result])
    assert_type(detector(paths), list[Result])
    assert_type(detector(images), list[Result])
    assert_type(detector((b"", torch.zeros(1), np.zeros(1, np.uint8))), list[Result])
    with open("photo.jpg", "rb") as file:  # noqa: PTH123
        assert_type(detector(file), Result)
    mask: NDArray[np.uint8] = one.mask(threshold=100)
    probability: NDArray[np.float32] = one.probability
    assert array.shape == mask.shape == probability.shape


def load() -> None:
    """By name, with options."""
    assert_type(Detector.load("fast", threads=2), Detector)
