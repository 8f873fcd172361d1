"""The names of arrays, once. A name says what the numbers mean; its comment, shape and range."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # H,W,3: RGB, upright
Map = NDArray[np.uint8]  # H,W: saliency or boundary, 0..255
Mask = NDArray[np.uint8]  # H,W: the truth; foreground is above 128, unless its set says otherwise
Probability = NDArray[np.float32]  # H,W, or B,S,S of a batch, in [0, 1]
Drawing = NDArray[np.uint8]  # what a PNG holds: grey H,W, RGB H,W,3 or RGBA H,W,4
Float32 = NDArray[np.float32]  # any other array of float32; its docstring says what it holds


class Probabilities(NamedTuple):
    """The outputs of a network at its own size, for a batch of pictures or for one.

    Attributes:
        saliency: B,S,S or S,S.
        edge: the boundary, B,S/4,S/4 or S/4,S/4; None if the network has no edge output.
    """

    saliency: Probability
    edge: Probability | None = None
