"""The guided filter: it moves the border of an enlarged map to the edges of the picture.

He, Sun and Tang, "Guided Image Filtering" (ECCV 2010; TPAMI 2013), in colour: in each window, the
map is a linear function of the picture's colours. He and Sun, "Fast Guided Filter" (arXiv
1505.00996): the functions are computed in a smaller picture and enlarged, so their cost does not
grow with the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from salient.arrays import Float32, Map, Picture, Probability
from salient.data.transforms import fit, to_bytes

REACH = 4  # half of a window's side, in pixels of the network: its border is off by about as much
EPSILON = 1e-3  # edges whose contrast is far below its root (colours in [0, 1]) are not followed
FINER = 2  # the functions are computed at this multiple of the network's size


def snap_to_edges(probability: Probability, picture: Picture) -> Map:
    """The map of a picture at its own size, with its border on the edges of the picture.

    The window follows the ratio of the picture to the network, along both sides.

    Args:
        probability: the network's output h,w in [0, 1].
        picture: RGB uint8 H,W,3.

    Returns:
        The map uint8 H,W.
    """
    size = picture.shape[:2]
    rows, columns = (min(FINER * n, most) for n, most in zip(probability.shape, size))
    radii = [max(round(REACH * a / b), 1) for a, b in zip((rows, columns), probability.shape)]
    guide = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    *slopes, offset = linear_functions(
        guide.astype(np.float32) / 255, fit(probability, (rows, columns)), radii
    )
    found = fit(offset, size)
    for channel, slope in enumerate(slopes):  # equation 8, one channel at a time to save memory
        slope /= 255
        part = fit(slope, size)
        part *= picture[..., channel]
        found += part
    return to_bytes(found)


def linear_functions(
    guide: Float32, target: Float32, radii: list[int], epsilon: float = EPSILON
) -> list[Float32]:
    """The slopes by red, green and blue, and the offset, each H,W, averaged over the windows.

    Args:
        guide: H,W,3 in [0, 1].
        target: H,W.
        radii: half of a window's height and width, in pixels.
        epsilon: the larger, the flatter the functions.
    """
    side = (2 * radii[1] + 1, 2 * radii[0] + 1)

    def mean(values: Float32) -> Float32:
        return np.asarray(cv2.boxFilter(values, -1, side, borderType=cv2.BORDER_REFLECT))

    colour, level = mean(guide), mean(target)
    spread = np.empty((*target.shape, 3, 3), np.float32)  # covariances of the colours
    for i in range(3):
        for j in range(i, 3):
            product = mean(guide[..., i] * guide[..., j]) - colour[..., i] * colour[..., j]
            spread[..., i, j] = spread[..., j, i] = product + (epsilon if i == j else 0)
    common = mean(guide * target[..., None]) - colour * level[..., None]
    slopes = np.linalg.solve(spread, common[..., None])[..., 0]  # equation 14
    offset = level - (slopes * colour).sum(axis=2)  # equation 15
    return [mean(np.ascontiguousarray(slopes[..., k])) for k in range(3)] + [mean(offset)]
