"""The one-call detector: a picture in, its saliency map at its own size out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from salient.arrays import Drawing, Map, Picture, Probability
from salient.data.images import Photo, read_image, read_photo
from salient.detection import road
from salient.detection.engine import Engine
from salient.detection.inputs import PictureLike, keepable
from salient.detection.load import EngineName, load_engine
from salient.detection.result import Result
from salient.devices import Precision
from salient.weights.find import Checkpoint

CONTENT = (str, bytes, bytearray, memoryview, Photo)  # sequences that are one picture
Averaging = Literal["flip"]
S = TypeVar("S")
T = TypeVar("T")


class Detector:
    """Pictures -> saliency maps, by one network on one device.

    One picture gets all cores; of many, each core takes one at a time, from the file to the map. On
    a GPU, threads prepare batches for it.

    A picture is a path, a file's content, an open binary file (such as FastAPI's `upload.file`), a
    PIL image, an RGB array uint8 H,W,3, or a PyTorch tensor, uint8 H,W,3 or 3,H,W. Files and PIL
    images of any mode are taken as they are displayed: turned by their EXIF tag, transparency laid
    over white. Maps have the displayed picture's size. Memory grows with a picture linearly, by
    some 12 bytes a pixel.

    A detector can be called from several threads at once, as long as none changes its attributes
    meanwhile. It can be pickled and sent to another process, which opens the file again.

    What a caller can cause are `FileNotFoundError` (no such file), `ValueError` (all else
    that is wrong with a picture, a file or an argument) and `MemoryError` (a picture too large).
    Any other exception is a fault of this package.

    Args:
        engine: what runs the network: see `load_engine`, or `TorchEngine(network)` for a network
            in memory.
        batch_size: pictures of a list that go through a GPU together, at least 1.
        normalize: stretch each map to 0..1 by its own minimum and maximum, as ModelScope's
            pipeline does; a constant map stays as it is.
        tta: test-time averaging: `flip` averages a picture's map and its mirror image's, in twice
            the time.
        threads: processor threads to use, at least 1; None takes the cores that this process may
            use, by its affinity and by the quota of its container.

    Raises:
        ValueError: another `tta`, or batch_size or threads is below 1.
    """

    def __init__(
        self,
        engine: Engine,
        batch_size: int = 8,
        normalize: bool = False,
        tta: Averaging | None = None,
        threads: int | None = None,
    ) -> None:
        if tta not in (None, "flip"):
            raise ValueError(f"tta: {tta!r} is not valid; use flip or null")
        for name, value in (("batch_size", batch_size), ("threads", threads)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.engine, self.batch_size = engine, batch_size
        self.normalize, self.tta, self.threads = normalize, tta, threads

    @classmethod
    def load(
        cls,
        path: str | Path | Checkpoint | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        engine: EngineName = "auto",
        **options: Any,
    ) -> Detector:
        """From a checkpoint: a file, or `best` (if None), `fast` or `last`; see `load_engine`.

        `options` are those of the constructor. Raises as `load_engine`.
        """
        return cls(load_engine(path, device, precision, engine), **options)

    @overload  # a str is a sequence of texts too, but one picture
    def __call__(self, pictures: PictureLike) -> Result: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, pictures: Sequence[PictureLike]) -> list[Result]: ...
    def __call__(self, pictures: Any) -> Any:
        """A picture -> its saliency map, an array uint8 H,W; a list gives a list of maps.

        The `Result` also has the boundary, a cut-out and more, without a second run.

        Raises:
            FileNotFoundError: a file that is not there.
            ValueError: no picture, a damaged one, or an array of another shape or type.
        """
        if isinstance(pictures, Sequence) and not isinstance(pictures, CONTENT):
            return list(self.results(pictures))
        return self.detect_batch([read_photo(keepable(pictures))], self.threads)[0]

    def probability(self, picture: PictureLike) -> Probability:
        """A picture -> its saliency in [0, 1], float32 H,W. Raises as a call does."""
        return self(picture).probability

    def edges(self, picture: PictureLike) -> Map:
        """A picture -> its boundary map uint8 H,W.

        Raises:
            ValueError: the network has no edge output. And as a call does.
        """
        return self(picture).edge

    def cutout(self, picture: PictureLike, background: Any = None, **options: Any) -> Drawing:
        """A picture -> its object, cut out: see `Result.cutout`. Raises as it and a call do."""
        return self(picture).cutout(background, **options)

    def results(self, pictures: Iterable[PictureLike]) -> Iterator[Result]:
        """The result of each picture, in order.

        Pictures are taken as they are needed, so there may be any number of them. A picture's file
        is read again for its cut-out.
        """
        pictures = iter(pictures)
        first = list(islice(pictures, 2))
        if len(first) < 2:
            yield from self.detect_batch(first, self.threads)
            return
        rest = chain(first, pictures)
        yield from chain.from_iterable(self.in_batches(self.detect_batch, rest))

    def detect(self, pictures: Iterable[PictureLike]) -> Iterator[tuple[Map, Map | None]]:
        """The saliency map and the boundary map of each picture, uint8 H,W; see `results`."""
        return ((result.saliency, result.edge_or_none) for result in self.results(pictures))

    def detect_batch(
        self, pictures: Sequence[PictureLike], threads: int | None = 1
    ) -> list[Result]:
        """Pictures that go through the network together, on the calling thread.

        `threads` may compute it on the processor's cores; None takes all of them.
        """
        sources = [keepable(picture) for picture in pictures]
        sizes = list[tuple[int, int]]()

        def read() -> Iterator[Picture]:  # one by one: they may be large
            for source in sources:
                picture = read_image(source)
                sizes.append(picture.shape[:2])  # type: ignore[arg-type]
                yield picture

        found = road.detect_pictures(
            self.engine,
            read(),
            flip=self.tta == "flip",
            normalize=self.normalize,
            threads=threads,
        )
        fit = None if self.normalize else self.engine.quality
        return [Result(*one, fit) for one in zip(found, sizes, sources)]

    def in_batches(
        self, job: Callable[[list[S]], T], items: Iterable[S], waiting: int = 0
    ) -> Iterator[T]:
        """`job` of as many items as go through the network together, on threads, in order.

        `waiting` threads are added to those that compute, because some wait for the disk.
        """
        threads = road.threads_of(self.engine, self.threads) + waiting
        return road.in_batches(job, items, self.run_size, threads)

    @property
    def run_size(self) -> int:
        """How many pictures go through the network together: one on a processor's cores."""
        return road.batch_of(self.engine, self.batch_size)
