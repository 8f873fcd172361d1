"""The networks that the server offers, and the pictures that it reads: within limits, in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salient.data.images import read_image, read_size
from salient.detection.detector import Detector
from salient.devices import Precision

Array = NDArray[np.uint8]


class TooLargeError(ValueError):
    """A picture or a request is above a limit; the message names the key."""


class Networks:
    """Detectors by name. All methods may be called from several threads at once.

    Args:
        checkpoints: what `Detector.load` takes, by the name that a request gives. The first is the
            default and is loaded at once, the others when they are first asked for.
        device, precision: as `Detector.load` takes them.

    Raises:
        As `Detector.load`.
    """

    def __init__(
        self, checkpoints: Mapping[str, str], device: str = "auto", precision: Precision = "auto"
    ) -> None:
        self.checkpoints = dict(checkpoints)
        self.default = next(iter(self.checkpoints))
        self._options: dict[str, Any] = {"device": device, "precision": precision}
        self._loaded: dict[str, Detector] = {}
        self._loading = threading.Lock()
        self.load(self.default)

    def check(self, name: str) -> None:
        """Raise ValueError if no network has that name."""
        if name not in self.checkpoints:
            names = ", ".join(self.checkpoints)
            raise ValueError(f"weights: {name!r:.80} is not valid; there are {names}")

    def load(self, name: str) -> Detector:
        """The detector of that name. Raises as `check` and `Detector.load`."""
        self.check(name)
        with self._loading:
            if name not in self._loaded:
                self._loaded[name] = Detector.load(self.checkpoints[name], **self._options)
            return self._loaded[name]

    def detect(self, picture: Array, name: str, alone: bool) -> tuple[Array, Array]:
        """The saliency map and the boundary map of a picture uint8 H,W,3, both uint8 H,W.

        Args:
            picture: RGB.
            name: of the network.
            alone: no other picture is being worked on, so all cores may work on this one.
        """
        detector = self.load(name)
        found = detector.detect([picture]) if alone else detector.detect_together([picture])
        ((saliency, edge),) = found
        return saliency, edge


class Upload(BytesIO):
    """A file's content with its name, which error messages quote."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def read_picture(content: bytes, name: str, megapixels: float) -> Array:
    """The content of a picture's file -> RGB uint8 H,W,3.

    Raises:
        TooLargeError: it has more pixels than `megapixels`; checked before it is decoded.
        ValueError: it is not a readable picture.
    """
    file = Upload(content, name)
    height, width = read_size(file)
    if height * width > megapixels * 1e6:
        raise TooLargeError(
            f"{name}: {width} x {height} pixels are above max_megapixels={megapixels:g}; "
            "make the picture smaller, or start with a higher limit"
        )
    return read_image(file)
