"""What the page and the programs ask for: one picture at a time, within limits, nothing kept."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from salient.data.images import read_image, read_size
from salient.detection.cutout import Cutout, find_colour
from salient.detection.detector import Detector
from salient.detection.modes import MODES
from salient.devices import Precision

Array = NDArray[np.uint8]
PAGES = 16  # whose pictures are held at once; the one looked at longest ago goes first
SETTINGS = {"background": str, "threshold": float, "feather": float, "min_area": float}


class Upload(BytesIO):
    """A file's content and its name, which errors quote."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


class TooLargeError(ValueError):
    """A picture, or what was sent, is above a limit; the message names the key."""


class BusyError(RuntimeError):
    """As many pictures as may wait are waiting."""


@dataclass(frozen=True)
class Seen:
    """A picture and what the network found in it.

    Attributes:
        name: of its file, as its owner wrote it: any text.
        weights: the name of the network, a key of `Studio.checkpoints`.
        picture, saliency, edge: uint8 H,W,3, H,W and H,W.
        token: who knows it may have the results.
    """

    name: str
    weights: str
    picture: Array
    saliency: Array
    edge: Array
    token: str = field(default_factory=secrets.token_urlsafe)

    @cached_property
    def preview(self) -> Seen:
        """The same with a longer side of at most 960 pixels."""
        height, width = self.saliency.shape
        scale = 960 / max(height, width)
        if scale >= 1:
            return self
        size = max(round(width * scale), 1), max(round(height * scale), 1)

        def shrink(part: Array) -> Array:
            return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA))

        picture, saliency, edge = map(shrink, (self.picture, self.saliency, self.edge))
        return Seen(self.name, self.weights, picture, saliency, edge, self.token)

    def draw(self, mode: str, cutout: Cutout) -> Array:
        """What `mode`, a key of MODES, writes of it; `picture` is the picture itself.

        Raises:
            LookupError: no such mode.
        """
        modes = MODES | {"cutout": cutout, "picture": lambda picture, *_: picture}
        if mode not in modes:
            raise LookupError(f"{mode!r:.80}: no such mode; there are {', '.join(MODES)}")
        return modes[mode](self.picture, self.saliency, self.edge)


class Studio:
    """Networks, and the pictures that the open pages look at: in memory, one a page.

    Args:
        checkpoints: by the name on the page what `Detector.load` takes; loaded when first asked
            for, the first at once.
        megapixels: the largest picture.
        queue: pictures that may wait while one is worked on.
        device, precision: as `Detector.load` takes them.

    Raises:
        As `Detector.load`.
    """

    def __init__(
        self,
        checkpoints: Mapping[str, str],
        megapixels: float,
        queue: int,
        device: str = "auto",
        precision: Precision = "auto",
    ) -> None:
        self.checkpoints, self.megapixels, self.queue = dict(checkpoints), megapixels, queue
        self._options: dict[str, Any] = {"device": device, "precision": precision}
        self._detectors: dict[str, Detector] = {}
        self._held: dict[str, Seen] = {}  # by page
        self._room, self._work = threading.BoundedSemaphore(queue + 1), threading.Lock()
        self.detector(next(iter(self.checkpoints)))

    def detector(self, weights: str) -> Detector:
        """The network of that name. Raises ValueError for one that there is not."""
        if weights not in self.checkpoints:
            names = ", ".join(self.checkpoints)
            raise ValueError(f"weights: {weights!r} is not valid; there are {names}")
        if weights not in self._detectors:
            self._detectors[weights] = Detector.load(self.checkpoints[weights], **self._options)
        return self._detectors[weights]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the one place to work in.

        Raises:
            BusyError: too many wait.
        """
        if not self._room.acquire(blocking=False):
            raise BusyError(f"busy: {self.queue} pictures are waiting; try again in a moment")
        try:
            with self._work:
                yield
        finally:
            self._room.release()

    def read(self, content: bytes, name: str) -> Array:
        """A picture file's content -> RGB uint8 H,W,3.

        Raises:
            TooLargeError: it has more pixels than `megapixels`; told before it is decoded.
            ValueError: it is no readable picture.
        """
        file = Upload(content, name)
        height, width = read_size(file)
        if height * width > self.megapixels * 1e6:
            raise TooLargeError(
                f"{name}: {width} x {height} pixels are above max_megapixels={self.megapixels:g}; "
                "make the picture smaller, or start with a higher limit"
            )
        return read_image(file)

    def see(self, picture: Array, name: str, weights: str) -> Seen:
        """Detect in a picture uint8 H,W,3. Raises as `detector`."""
        result = self.detector(weights)(picture)
        return Seen(name, weights, picture, result.saliency, result.edge)

    def hold(self, page: str, seen: Seen) -> None:
        """Keep what a page looks at, in place of what it looked at before."""
        self._held.pop(page, None)
        self._held[page] = seen
        while len(self._held) > PAGES:
            self._held.pop(next(iter(self._held)), None)

    def held(self, page: str) -> Seen | None:
        """What a page looks at."""
        return self._held.get(page)

    def with_token(self, token: str) -> Seen | None:
        """What is held under a token."""
        return next((seen for seen in list(self._held.values()) if seen.token == token), None)

    def forget(self, page: str) -> None:
        """Keep nothing of a page."""
        self._held.pop(page, None)


def make_cutout(settings: Mapping[str, Any]) -> Cutout:
    """A `Cutout` from what somebody sent: texts or values by the names of its parameters.

    A `background` is transparent, `blur` or a colour.

    Raises:
        ValueError: an unknown name, a value outside its bounds, or a background that is neither a
            colour nor `blur`: files of this machine are not read.
    """
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "crop":
            if str(value).lower() not in ("true", "false"):
                raise ValueError(f"crop: {value!r:.80} is not valid; use true or false")
            values[name] = str(value).lower() == "true"
        elif name in SETTINGS:
            try:
                values[name] = SETTINGS[name](value)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name}: {value!r:.80} is not a number") from error
        else:
            raise ValueError(f"{name!r:.80}: unknown; there are {', '.join(SETTINGS)}, crop")
    background = values.get("background") or None
    if background == "transparent":
        background = None
    if background not in (None, "blur") and find_colour(background) is None:
        raise ValueError(
            f"background: {background!r:.80} is not valid; use transparent, blur, or a colour such "
            "as white or 255,0,0"
        )
    return Cutout(**values | {"background": background})
