"""The one-call detector: a picture in, its saliency map at its own size out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from salient.data.images import File, read_image, to_rgb
from salient.data.transforms import fit, squash, to_bytes
from salient.devices import Precision, pick_device, pick_precision
from salient.model.network import SaliencyNetwork
from salient.weights.store import find_checkpoint, load_network

Picture = File | Image.Image | NDArray[np.uint8]
Map = NDArray[np.uint8]
Probability = NDArray[np.float32]
Averaging = Literal["flip"]


class Detector:
    """Pictures -> saliency maps, by one network on one device.

    A picture is a path, a file's content (bytes), an open binary file, a PIL image, or an RGB array
    uint8 H,W,3. Files and PIL images of any mode are taken as they are displayed: turned by their
    EXIF tag, transparency laid over white. Maps have the displayed picture's size. Memory grows
    with a picture linearly, by some 12 bytes a pixel.

    Args:
        network: in eval mode, on the device to run on.
        batch_size: pictures of a list that go through the network together, at least 1.
        normalize: stretch each map to 0..1 by its own minimum and maximum, as ModelScope's
            pipeline does; a constant map stays as it is.
        precision: see `pick_precision`.
        tta: test-time averaging: `flip` averages a picture's map and its mirror image's, in twice
            the time.

    Raises:
        ValueError: another `tta`, or batch_size is below 1.
    """

    def __init__(
        self,
        network: SaliencyNetwork,
        batch_size: int = 8,
        normalize: bool = False,
        precision: torch.dtype = torch.float32,
        tta: Averaging | None = None,
    ) -> None:
        if tta not in (None, "flip"):
            raise ValueError(f"tta: {tta!r} is not valid; use flip or null")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.network, self.batch_size = network, batch_size
        self.normalize, self.precision, self.tta = normalize, precision, tta

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        **options: Any,
    ) -> Detector:
        """From a checkpoint (see `find_checkpoint` if None), on `pick_device(device)`.

        Raises as `salient.load_network`.
        """
        place = pick_device(device)
        network = load_network(find_checkpoint(path), place)
        return cls(network, precision=pick_precision(place, precision), **options)

    @overload
    def __call__(self, pictures: Picture) -> Map: ...
    @overload
    def __call__(self, pictures: list[Picture]) -> list[Map]: ...
    def __call__(self, pictures: Picture | list[Picture]) -> Map | list[Map]:
        """A picture -> its saliency map uint8 H,W; a list of pictures gives a list of maps.

        Raises:
            FileNotFoundError, ValueError: a file that is not there or no picture, or an array of
                another shape or type.
        """
        if isinstance(pictures, list):
            return [to_bytes(saliency) for saliency, _ in self._detect(pictures)]
        return to_bytes(self.probability(pictures))

    def probability(self, picture: Picture) -> Probability:
        """A picture -> its saliency in [0, 1], float32 H,W. Raises as a call does."""
        return next(self._detect([picture]))[0]

    def edges(self, picture: Picture) -> Map:
        """A picture -> its boundary map uint8 H,W, from the network's edge head."""
        return to_bytes(next(self._detect([picture]))[1])

    def detect(self, pictures: Sequence[Picture]) -> Iterator[tuple[Map, Map]]:
        """The saliency map and the boundary map of each picture, uint8 H,W both."""
        return ((to_bytes(saliency), to_bytes(edge)) for saliency, edge in self._detect(pictures))

    def _detect(self, pictures: Sequence[Picture]) -> Iterator[tuple[Probability, Probability]]:
        for start in range(0, len(pictures), self.batch_size):
            images = [to_array(p) for p in pictures[start : start + self.batch_size]]
            sizes = [image.shape[:2] for image in images]
            squares = [squash(image, self.network.size, self.network.resize) for image in images]
            del images  # they may be large
            batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
            found = self.network.predict(batch, self.precision, self.tta == "flip")
            for saliency, edge, size in zip(found.saliency.numpy(), found.edge.numpy(), sizes):
                if self.normalize and saliency.max() > saliency.min():
                    saliency = (saliency - saliency.min()) / (saliency.max() - saliency.min())
                yield fit(saliency, size), fit(edge, size)


def to_array(picture: Picture) -> NDArray[np.uint8]:
    """A picture as `Detector` takes it -> RGB uint8 H,W,3. Raises as a detector's call does."""
    if isinstance(picture, Image.Image):
        return to_rgb(picture)
    if not isinstance(picture, np.ndarray):
        return read_image(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        shape = f"{picture.dtype} {picture.shape}"
        raise ValueError(f"a picture is an RGB array uint8 of shape (H, W, 3), got {shape}")
    return picture
