"""The Context-measure of Wang et al., "Context-measure", arXiv 2512.07076, 2025."""

from __future__ import annotations

import math

import cv2
import numpy as np

from salient.arrays import Float32
from salient.metrics.kernels import MASK_THRESHOLD
from salient.metrics.measured import EPS, Floats, Measured

ALPHA = 6.0  # standard deviation of the kernel in pixels, over both axes


def context_measure(measured: Measured) -> float:
    """The Context-measure, beta^2 = 1, 0..1; an empty mask gives 0.

    Forward: how much of the mask is near the pixels that the map marks. Backward: how much of the
    map is near the mask's pixels. "Near" is a Gaussian with the shape of the mask. The measure is
    the F of both.
    """
    prediction = measured.value[measured.prediction]
    truth = (measured.mask > MASK_THRESHOLD).astype(np.float32)
    if not measured.foreground_size:
        return 0.0
    kernel = gaussian_like(truth)
    relevance = cv2.filter2D(truth, cv2.CV_32F, kernel).reshape(truth.shape)
    forward = float((relevance * prediction).sum()) / (float(prediction.sum()) + EPS)
    context = cv2.filter2D(prediction, -1, kernel).reshape(truth.shape)
    complete = math.e / (math.e - 1) * (1 - np.exp(-context[truth > 0]))
    backward = float(complete.sum()) / (measured.foreground_size + EPS)
    return 2 * forward * backward / (forward + backward + EPS)


def gaussian_like(truth: Float32) -> Floats:
    """A Gaussian of sum 1 with the covariance of the foreground, scaled to ALPHA: float64 h,w.

    Rows run along the mask's rows. One pixel gives 3,3 with a deviation of 1/2. The covariance of
    a foreground on a slanted line has no inverse, so it is treated as slightly wider.
    """
    points = np.argwhere(truth > 0)
    if len(points) <= 1:
        covariance, reach = np.diag([0.25, 0.25]), (1, 1)
    else:
        covariance = np.cov(points, rowvar=False)
        for axis in range(2):
            covariance[axis, axis] = covariance[axis, axis] or EPS
        sigmas = ALPHA * np.sqrt(np.diag(covariance)) / math.sqrt(np.trace(covariance))
        covariance = ALPHA**2 * covariance / np.trace(covariance)
        reach = round(3 * float(sigmas[0])), round(3 * float(sigmas[1]))
        if np.linalg.det(covariance) <= EPS**2:
            covariance = covariance + 1e-6 * np.eye(2)
    inverse = np.linalg.inv(covariance)
    y, x = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    squared = inverse[0, 0] * y * y + 2 * inverse[0, 1] * y * x + inverse[1, 1] * x * x
    kernel = np.exp(-0.5 * squared)
    return np.asarray(kernel / kernel.sum())
