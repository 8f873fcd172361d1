"""ModelScope's pipeline of salient detection: the same call, the same mask to the grey level.

New programs should use `Detector`: see docs/use/modelscope.md. This module is for programs that
need exactly the same masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from salient.arrays import Map, Picture, Probability
from salient.data.images import read_image
from salient.detection.by_torch import TorchEngine
from salient.detection.road import detect_pictures
from salient.devices import pick_device
from salient.model.base import Network
from salient.weights.find import find_checkpoint
from salient.weights.hub import find_model
from salient.weights.store import load_network

TASK = "semantic-segmentation"  # ModelScope's Tasks.semantic_segmentation
MASKS = "masks"  # ModelScope's OutputKeys.MASKS
CONSTANT = 1e-6  # a range of probabilities that can come from rounding


class Pipeline:
    """A picture -> `{"masks": uint8 H,W}`, computed as ModelScope's pipeline does.

    The probability is stretched by its own minimum and maximum, truncated to bytes at the network's
    size, and the bytes are enlarged (bilinear). It computes in the network's own precision, usually
    float32, because with 16 bits masks would differ between processors.

    Args:
        network: a network in eval mode, on the device to run on.
    """

    def __init__(self, network: Network) -> None:
        self.network = network

    def __call__(self, input: Any) -> Any:
        """The mask of a picture; a list of pictures gives a list.

        Args:
            input: a path, a PIL image, an array uint8 H,W,3 **in BGR** or H,W (grey), or a mapping
                with one of these as `image`. As in ModelScope, a file is rotated by its EXIF tag, a
                PIL image is not, and transparency is ignored.

        Returns:
            `{"masks": mask}`, uint8 H,W. A constant map, for which ModelScope divides by zero,
            gives a mask of zeros.

        Raises:
            FileNotFoundError, ValueError: a file is missing or not a picture, or an array has
                another shape or type.
            TypeError: anything else.
        """
        if isinstance(input, list):
            return [self(picture) for picture in input]
        picture = to_rgb_array(input)
        height, width = picture.shape[:2]
        (found,) = detect_pictures(TorchEngine(self.network), [picture])
        mask = to_mask(found.saliency)
        return {MASKS: cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)}


def to_mask(probability: Probability) -> Map:
    """h,w in [0, 1] -> uint8: stretched to 0..1 and truncated, or zeros if it is constant."""
    low, high = probability.min(), probability.max()
    if high - low < CONSTANT:
        return np.zeros(probability.shape, np.uint8)
    truncated: Map = ((probability - low) / (high - low) * 255).astype(np.uint8)
    return truncated


def to_rgb_array(picture: Any) -> Picture:
    """A picture for `Pipeline` -> RGB uint8 H,W,3. Raises as a pipeline's call does."""
    if isinstance(picture, Mapping):
        if "image" not in picture:
            raise ValueError(f"a mapping needs the key 'image', got {sorted(map(str, picture))}")
        return to_rgb_array(picture["image"])
    if isinstance(picture, str | Path):
        return read_image(picture, over=None)
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGB"))
    if not isinstance(picture, np.ndarray):
        raise TypeError(
            f"a picture is a path, a PIL image, an array or a mapping, got {type(picture).__name__}"
        )
    grey = picture.ndim == 2
    if picture.dtype != np.uint8 or not picture.size or not (grey or picture.shape[2:] == (3,)):
        shape = f"{picture.dtype} {picture.shape}"
        raise ValueError(f"an array is BGR uint8 H,W,3 or grey uint8 H,W, got {shape}")
    return np.repeat(picture[..., None], 3, axis=2) if grey else picture[..., ::-1]


def pipeline(
    task: str = TASK,
    model: str | Path | None = None,
    model_revision: str | None = None,
    device: str = "auto",
) -> Pipeline:
    """A pipeline in place of ModelScope's `pipeline(Tasks.semantic_segmentation, model=...)`.

    Args:
        task: `semantic-segmentation`, which is `Tasks.semantic_segmentation`.
        model: a checkpoint of any kind, the folder of ModelScope's model, or a hub's id (see
            `find_model`); by default the bundled network.
        model_revision: of a hub's id.
        device: as in `pick_device`; ModelScope's `gpu` is `auto`.

    Raises:
        ValueError: another task, a web address, or a missing device.
        FileNotFoundError: there is no such model. And as `load_network`.
    """
    if task != TASK:
        raise ValueError(f"task: {task!r} is not valid; this pipeline does {TASK!r}")
    path = find_checkpoint() if model is None else find_model(model, model_revision)
    return Pipeline(load_network(path, pick_device("auto" if device == "gpu" else device)))
