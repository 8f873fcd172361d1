"""Human correction efforts: Qin et al., "Highly Accurate Dichotomous Image Segmentation", 2022.

The number of points that a person has to click to correct a binary map: the corners of the polygons
around errors, and one for each isolated wrong region. As in PySODMetrics 1.6.2, errors up to
`RELAX` pixels from a correct edge are ignored, and polygons deviate by up to `EPSILON` pixels.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from salient.metrics.kernels import MASK_THRESHOLD, compiled
from salient.metrics.measured import Bytes, Counts, Measured
from salient.metrics.skeleton import skeleton

RELAX = 5  # pixels
EPSILON = 2.0  # pixels
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
Points = npt.NDArray[np.int32]
Integers = npt.NDArray[np.integer[Any]]


def human_correction_efforts(measured: Measured) -> float:
    """The number of clicks for the map at p > 0.5, less is better; 0 for a correct map."""
    truth = (measured.mask > MASK_THRESHOLD).astype(np.uint8)
    found = (measured.value > 0.5)[measured.prediction].astype(np.uint8)
    hit = truth & found
    if np.array_equal(truth, found):
        return 0.0
    false, missed = found & ~hit & 1, truth & ~hit & 1
    core = cv2.erode(truth | found, CROSS, iterations=RELAX).reshape(truth.shape)
    far_false = false & grown(false & core, 1 - truth)
    far_missed = missed & grown(missed & core, 1 - found)
    bones = skeleton(truth)
    far_missed |= bones & (1 - hit)  # thin structures count, however thin
    rest = 1 - (hit | far_false | far_missed)
    return float(clicks(far_false, hit | far_missed) + clicks(far_missed, rest))


def grown(seed: Integers, within: Integers) -> Integers:
    """The seed after RELAX dilations, each kept within a map of 0 and 1."""
    for _ in range(RELAX):
        seed = cv2.dilate(seed, CROSS).reshape(seed.shape) & within
    return seed


def clicks(wrong: Integers, neighbour: Integers) -> int:
    """Points of the polygons along the edges that `wrong` shares with `neighbour`, and regions
    that share none; both uint8 H,W of 0 and 1.
    """
    contours, _ = cv2.findContours(wrong, cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return 0
    near = cv2.dilate(neighbour, CROSS).reshape(wrong.shape)
    count, labels = cv2.connectedComponents(wrong, connectivity=8)
    visited, touched = np.zeros(wrong.shape, np.uint8), np.zeros(count, np.uint8)
    touched[0] = 1
    points = 0
    for contour in contours:
        path = contour.reshape(-1, 2)
        runs = shared_runs(path, near, labels, visited, touched)
        for run in joined(path, runs):
            points += len(cv2.approxPolyDP(run.reshape(-1, 1, 2), EPSILON, False))
    return points + int((touched == 0).sum())


@compiled
def shared_runs(
    path: Points, near: Bytes, labels: Points, visited: Bytes, touched: Bytes
) -> Counts:
    """Where a contour runs along a neighbour: int64 n,2 of first and last point, exclusive.

    Args:
        path: int32 n,2: columns and rows.
        near: uint8 H,W: where the neighbour is.
        labels: int32 H,W: the region of each pixel.
        visited: uint8 H,W: points that belong to a run; filled.
        touched: uint8: by region, whether a run touches it; filled.
    """
    runs = np.empty((path.shape[0], 2), np.int64)
    count, start = 0, -1
    for k in range(path.shape[0]):
        x, y = path[k, 0], path[k, 1]
        if near[y, x] and not visited[y, x]:
            visited[y, x] = 1
            touched[labels[y, x]] = 1
            if start < 0:
                start = k
        elif start >= 0:
            runs[count] = start, k
            count, start = count + 1, -1
    if start >= 0:
        runs[count] = start, path.shape[0]
        count += 1
    return runs[:count]


def joined(path: Points, runs: Counts) -> list[Points]:
    """The points of each run; the last is continued by the first where they are neighbours.

    The first is then turned round, as the reference does.
    """
    parts = [path[start:stop] for start, stop in runs]
    if len(parts) > 1:
        (x, y), (other_x, other_y) = parts[0][0], parts[-1][-1]
        if max(abs(x - other_x), abs(y - other_y)) == 1:
            parts[-1] = np.concatenate([parts[-1], parts[0][::-1]])
            del parts[0]
    return [np.ascontiguousarray(part) for part in parts]
