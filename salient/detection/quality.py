"""Predict the IoU of a map from the network's outputs.

IoU is the intersection over union of the mask and the pixels of the map of at least LEVEL. A
logistic function of four features predicts it. `python -m recipes.fit_iou` fits its weights on
held-out pairs and writes `NAME.iou.json` next to the checkpoint. A fit is used only for the network
weights it was made for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from salient.arrays import Map, Mask, Probabilities

LEVEL = 128  # of a map: half
ENDING = ".iou.json"
FEATURES = ("expected", "edge", "size", "border")
SMALLEST, LARGEST = 0.01, 0.999  # limits of the expected IoU, before its logit is taken


@dataclass(frozen=True)
class IouFit:
    """The function that predicts the IoU of one checkpoint's maps.

    Attributes:
        constant: of the logistic function.
        weights: of each of FEATURES.
        crc32: checksums of the checkpoint's weights, as stored in its files.
        pairs: the number of pairs it was fitted on.
        error: its calibration error on these, cross-validated.
    """

    constant: float
    weights: dict[str, float]
    crc32: tuple[str, ...] = ()
    pairs: int = 0
    error: float | None = None

    def predict(self, found: Probabilities) -> float:
        """The predicted IoU for the outputs of one picture, 0..1."""
        values = features(found)
        sum_ = self.constant + sum(self.weights[k] * x for k, x in zip(FEATURES, values))
        return float(1 / (1 + np.exp(-sum_)))

    def to_json(self) -> str:
        """The content of a file."""
        return json.dumps(asdict(self), indent=2) + "\n"


def features(found: Probabilities) -> tuple[float, float, float, float]:
    """FEATURES of one picture's maps at the network's size; M is where the saliency is >= half.

    expected: the logit of the IoU to expect if the probabilities p are right: the sum of p in M,
        divided by the size of M plus the sum of p outside.
    edge: the mean of the boundary map along the outline of M; 0 without a boundary map.
    size: the square root of M as a fraction of the picture.
    border: the fraction of the picture's border that is in M.
    """
    saliency = found.saliency
    inside = saliency >= LEVEL / 255
    if not inside.any():
        return _logit(0), 0.0, 0.0, 0.0
    size = float(inside.sum())
    expected = float(saliency[inside].sum()) / (size + float(saliency[~inside].sum()))
    outline = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
    edge = 0.0
    if found.edge is not None and outline.any():
        boundary = cv2.resize(found.edge, saliency.shape[::-1], interpolation=cv2.INTER_LINEAR)
        edge = float(boundary[outline > 0].mean())
    border = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    return _logit(expected), edge, float(np.sqrt(size / inside.size)), float(border.mean())


def _logit(value: float) -> float:
    value = min(max(value, SMALLEST), LARGEST)
    return float(np.log(value / (1 - value)))


def iou(saliency: Map, mask: Mask, threshold: int = LEVEL) -> float:
    """The IoU of a map at LEVEL and above with a mask above `threshold`, uint8 H,W both, 0..1.

    It is 1 if both are empty.
    """
    inside, truth = saliency >= LEVEL, mask > threshold
    union = np.count_nonzero(inside | truth)
    return np.count_nonzero(inside & truth) / union if union else 1.0


def find_fit(checkpoint: Path, crc32: Callable[[], str | None]) -> IouFit | None:
    """The fit next to a checkpoint, if it was made for the same weights.

    Args:
        checkpoint: its file.
        crc32: returns the checksum of its weights.

    Raises:
        ValueError: the file is not a fit.
    """
    file = checkpoint.with_suffix(ENDING)
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text())
        content["crc32"] = tuple(content["crc32"])
        content["weights"] = {key: float(content["weights"][key]) for key in FEATURES}
        fit = IouFit(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file}: not written by recipes.fit_iou: {error!r:.200}") from error
    return fit if crc32() in fit.crc32 else None
