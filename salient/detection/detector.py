"""The one-call detector: a picture in, its saliency map at its own size out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from PIL import Image

from salient.arrays import Map, Picture, Probability
from salient.data.images import File, read_image, to_rgb
from salient.data.transforms import fit, squash, to_bytes
from salient.detection.engine import Engine
from salient.detection.load import EngineName, load_engine
from salient.devices import Precision, cores, in_parallel

PictureLike = File | Image.Image | Picture
Averaging = Literal["flip"]
THREADS = 8  # at most, that decode and encode beside a GPU


class Detector:
    """Pictures -> saliency maps, by one network on one device.

    One picture gets all cores; of many, each core takes one at a time, from the file to the map. On
    a GPU, threads prepare batches for it.

    A picture is a path, a file's content (bytes), an open binary file, a PIL image, or an RGB array
    uint8 H,W,3. Files and PIL images of any mode are taken as they are displayed: turned by their
    EXIF tag, transparency laid over white. Maps have the displayed picture's size. Memory grows
    with a picture linearly, by some 12 bytes a pixel.

    Args:
        engine: what runs the network: see `load_engine`, or `TorchEngine(network)` for a network
            in memory.
        batch_size: pictures of a list that go through a GPU together, at least 1.
        normalize: stretch each map to 0..1 by its own minimum and maximum, as ModelScope's
            pipeline does; a constant map stays as it is.
        tta: test-time averaging: `flip` averages a picture's map and its mirror image's, in twice
            the time.

    Raises:
        ValueError: another `tta`, or batch_size is below 1.
    """

    def __init__(
        self,
        engine: Engine,
        batch_size: int = 8,
        normalize: bool = False,
        tta: Averaging | None = None,
    ) -> None:
        if tta not in (None, "flip"):
            raise ValueError(f"tta: {tta!r} is not valid; use flip or null")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.engine, self.batch_size = engine, batch_size
        self.normalize, self.tta = normalize, tta

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        engine: EngineName = "auto",
        **options: Any,
    ) -> Detector:
        """From a checkpoint: a file, or `best` (if None), `fast` or `last`; see `load_engine`.

        Raises as `load_engine`.
        """
        return cls(load_engine(path, device, precision, engine), **options)

    @property
    def together(self) -> int:
        """How many pictures are best given together: one on a processor's cores."""
        return 1 if self.engine.on_cores else self.batch_size

    @property
    def threads(self) -> int:
        """How many threads are best kept busy with `together` pictures each."""
        return cores() if self.engine.on_cores else min(cores(), THREADS)

    @overload
    def __call__(self, pictures: PictureLike) -> Map: ...
    @overload
    def __call__(self, pictures: list[PictureLike]) -> list[Map]: ...
    def __call__(self, pictures: PictureLike | list[PictureLike]) -> Map | list[Map]:
        """A picture -> its saliency map uint8 H,W; a list of pictures gives a list of maps.

        Raises:
            FileNotFoundError, ValueError: a file that is not there or no picture, or an array of
                another shape or type.
        """
        if isinstance(pictures, list):
            return [to_bytes(saliency) for saliency, _ in self._detect(pictures)]
        return to_bytes(self.probability(pictures))

    def probability(self, picture: PictureLike) -> Probability:
        """A picture -> its saliency in [0, 1], float32 H,W. Raises as a call does."""
        return next(self._detect([picture]))[0]

    def edges(self, picture: PictureLike) -> Map:
        """A picture -> its boundary map uint8 H,W, from the network's edge output.

        Raises:
            ValueError: the network has none. And as a call does.
        """
        return to_bytes(next(self._detect([picture]))[1])

    def detect(self, pictures: Iterable[PictureLike]) -> Iterator[tuple[Map, Map]]:
        """The saliency map and the boundary map of each picture, uint8 H,W both.

        Pictures are taken as they are needed, so that there may be any number of them.
        """
        return ((to_bytes(saliency), to_bytes(edge)) for saliency, edge in self._detect(pictures))

    def detect_together(self, pictures: Sequence[PictureLike]) -> list[tuple[Map, Map]]:
        """As `detect`, on this thread alone; for those who run several threads themselves."""
        found = self._together(pictures, alone=False)
        return [(to_bytes(saliency), to_bytes(edge)) for saliency, edge in found]

    def _detect(self, pictures: Iterable[PictureLike]) -> Iterator[tuple[Probability, Probability]]:
        pictures = iter(pictures)
        first = list(islice(pictures, 2))
        if len(first) < 2:
            yield from self._together(first)
            return
        rest = chain(first, pictures)
        batches = iter(lambda: list(islice(rest, self.together)), [])
        found = in_parallel(partial(self._together, alone=False), batches, self.threads)
        yield from chain.from_iterable(found)

    def _together(
        self, pictures: Sequence[PictureLike], alone: bool = True
    ) -> list[tuple[Probability, Probability]]:
        """The probabilities of pictures that go through the network at once."""
        if not pictures:
            return []
        images = [to_array(picture) for picture in pictures]
        sizes = [image.shape[:2] for image in images]
        squares = [squash(image, self.engine.size, self.engine.resize) for image in images]
        del images  # they may be large
        found = self.engine.run(np.stack(squares), self.tta == "flip", alone)
        if found.edge is None:
            raise ValueError(f"{self.engine.origin}: the network has no edge output")
        maps = zip(self._stretched(found.saliency), found.edge, sizes)
        return [(fit(saliency, size), fit(edge, size)) for saliency, edge, size in maps]

    def _stretched(self, saliency: Probability) -> Probability:
        """B,S,S, each stretched to 0..1 if that is asked for and it is not constant."""
        if not self.normalize:
            return saliency
        low, high = (f(saliency, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
        span = np.where(high > low, high - low, 1)
        return np.where(high > low, (saliency - low) / span, saliency).astype(np.float32)


def to_array(picture: PictureLike) -> Picture:
    """A picture as `Detector` takes it -> RGB uint8 H,W,3. Raises as a detector's call does."""
    if isinstance(picture, Image.Image):
        return to_rgb(picture)
    if not isinstance(picture, np.ndarray):
        return read_image(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        shape = f"{picture.dtype} {picture.shape}"
        raise ValueError(f"a picture is an RGB array uint8 of shape (H, W, 3), got {shape}")
    return picture
