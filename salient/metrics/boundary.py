"""The boundary IoU of Cheng et al., "Boundary IoU", CVPR 2021."""

from __future__ import annotations

import math

import cv2
import numpy as np

from salient.metrics.kernels import MASK_THRESHOLD
from salient.metrics.measured import Bytes, Measured
from salient.metrics.thresholds import THRESHOLD

DILATION = 0.02  # the width of the boundary, as a share of the diagonal


def boundary_iou(measured: Measured) -> float:
    """The intersection over union of both boundaries, 0..1 (Cheng et al. 2021, equation 2).

    The boundary consists of the foreground pixels within 2 % of the diagonal from an edge. The
    foreground of the map is its levels >= 128. The border of the picture is an edge. If map and
    mask are empty, the value is 1.
    """
    levels = (measured.value * 255).astype(np.uint8)
    found = boundary((levels >= THRESHOLD)[measured.prediction].astype(np.uint8))
    truth = boundary((measured.mask > MASK_THRESHOLD).astype(np.uint8))
    union = np.count_nonzero(found | truth)
    return np.count_nonzero(found & truth) / union if union else 1.0


def boundary(binary: Bytes) -> Bytes:
    """The boundary of a binary map of 0 and 1, uint8 H,W."""
    width = max(round(DILATION * math.hypot(*binary.shape)), 1)
    inside = cv2.erode(
        binary, np.ones((3, 3), np.uint8), iterations=width, borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )  # fmt: skip
    return np.asarray(binary - inside.reshape(binary.shape), dtype=np.uint8)
