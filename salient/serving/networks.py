"""The networks of the server, and its reader of pictures: within limits, in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from salient.arrays import Picture
from salient.data.images import read_image, read_size
from salient.detection.detector import Detector
from salient.detection.providers import Providers
from salient.detection.result import Result
from salient.detection.road import threads_of
from salient.devices import Precision


class TooLargeError(ValueError):
    """A picture or a request is above a limit; the message names the key."""


@dataclass(frozen=True)
class Limits:
    """The limits on requests.

    Attributes:
        megabytes: the largest request, in 2**20 bytes.
        megapixels: the largest picture, in 10**6 pixels.
        queue: how many pictures may wait.
    """

    megabytes: float = 20
    megapixels: float = 25
    queue: int = 8


class Networks:
    """Detectors by name. All methods may be called from several threads at once.

    Args:
        checkpoints: arguments of `Detector.load`, by the name in requests. The first is the default
            and is loaded at once, the others on first use.
        device, precision, providers: as in `Detector.load`.

    Raises:
        As `Detector.load`.
    """

    def __init__(
        self,
        checkpoints: Mapping[str, str],
        device: str = "auto",
        precision: Precision = "auto",
        providers: Providers | None = None,
    ) -> None:
        self.checkpoints = dict(checkpoints)
        self.default = next(iter(self.checkpoints))
        self._options: dict[str, Any] = {
            "device": device,
            "precision": precision,
            "providers": providers,
        }
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

    @property
    def threads(self) -> int:
        """How many pictures to process at a time."""
        detector = self.load(self.default)
        return threads_of(detector.engine, detector.threads)

    def detect(self, picture: Picture, name: str, alone: bool) -> Result:
        """Detect in a picture uint8 H,W,3.

        Args:
            picture: RGB.
            name: of the network.
            alone: whether no other picture is being processed, so that all cores may be used.
        """
        return self.load(name).detect_batch([picture], threads=None if alone else 1)[0]


class Upload(BytesIO):
    """A file's content and its name for error messages."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def read_picture(content: bytes, name: str, megapixels: float) -> Picture:
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
