"""The detector: one call turns a picture into its saliency map, at its own size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from salient.arrays import Drawing, Map, Picture, Probabilities, Probability
from salient.data.images import Photo, read_image, read_photo
from salient.detection import road
from salient.detection.engine import Engine
from salient.detection.guided import snap_to_edges
from salient.detection.inputs import PictureLike, keepable
from salient.detection.load import EngineName, load_engine
from salient.detection.providers import Providers
from salient.detection.result import Result
from salient.devices import Precision
from salient.weights.find import Checkpoint

CONTENT = (str, bytes, bytearray, memoryview, Photo)  # sequences that are one picture
Averaging = Literal["flip"]
Refinement = Literal["guided"]
S = TypeVar("S")
T = TypeVar("T")


class Detector:
    """Turns pictures into saliency maps, with one network on one device.

    A single picture uses all cores. Of several pictures, each core processes one at a time, from
    the file to the map. On a GPU, threads prepare batches.

    A picture is a path, a file's content, an open binary file (such as FastAPI's `upload.file`), a
    PIL image, an RGB array uint8 H,W,3, or a PyTorch tensor, uint8 H,W,3 or 3,H,W. Files and PIL
    images of any mode are read as displayed: rotated by their EXIF tag, with transparency over
    white. Maps have the size of the displayed picture. Memory grows by about 12 bytes per pixel.

    A detector can be called from several threads, as long as none changes its attributes. It can be
    pickled and sent to another process, which opens the file again.

    Callers can cause `FileNotFoundError` (no such file), `ValueError` (anything else that is wrong
    with a picture, a file or an argument) and `MemoryError` (a picture too large). Any other
    exception is a bug in this package.

    Args:
        engine: runs the network: see `load_engine`, or `TorchEngine(network)` for a network in
            memory.
        batch_size: pictures of a list that a GPU processes together, at least 1.
        normalize: stretch each map to 0..1 by its own minimum and maximum, as ModelScope's
            pipeline does; a constant map stays as it is.
        tta: `flip` averages a picture's map with that of its mirror image, in twice the time.
        refine: `guided` moves the border of each map to the edges of its picture, by the guided
            filter (see `salient.detection.guided`). Scoring never does this.
        threads: processor threads to use, at least 1; by default one per core that this process
            may use, by its affinity and the quota of its container.

    Raises:
        ValueError: an unknown `tta` or `refine`, or `batch_size` or `threads` is below 1.
    """

    def __init__(
        self,
        engine: Engine,
        batch_size: int = 8,
        normalize: bool = False,
        tta: Averaging | None = None,
        threads: int | None = None,
        refine: Refinement | None = None,
    ) -> None:
        for name, choice, only in (("tta", tta, "flip"), ("refine", refine, "guided")):
            if choice not in (None, only):
                raise ValueError(f"{name}: {choice!r} is not valid; use {only} or null")
        for name, value in (("batch_size", batch_size), ("threads", threads)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.engine, self.batch_size = engine, batch_size
        self.normalize, self.tta, self.threads = normalize, tta, threads
        self.refine = refine

    @classmethod
    def load(
        cls,
        path: str | Path | Checkpoint | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        engine: EngineName = "auto",
        providers: Providers | None = None,
        **options: Any,
    ) -> Detector:
        """Load a checkpoint: a file, `best` (the default), `fast` or `last`; see `load_engine`.

        `options` are further arguments of the constructor. Raises as `load_engine`.
        """
        return cls(load_engine(path, device, precision, engine, providers), **options)

    @overload  # a str is a sequence of texts too, but one picture
    def __call__(self, pictures: PictureLike) -> Result: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, pictures: Sequence[PictureLike]) -> list[Result]: ...
    def __call__(self, pictures: Any) -> Any:
        """A picture -> its saliency map, an array uint8 H,W; a list gives a list of maps.

        The `Result` also has the boundary, a cut-out and more, without a second run.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is not a picture or damaged, or an array has another shape or type.
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
        """A picture -> its cut-out: see `Result.cutout`. Raises as this and a call do."""
        return self(picture).cutout(background, **options)

    def results(self, pictures: Iterable[PictureLike]) -> Iterator[Result]:
        """The result of each picture, in order.

        Pictures are requested when they are needed, so there may be any number. For a cut-out, the
        picture's file is read again.
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
        """Detect in several pictures at once, on the calling thread.

        On a processor, `threads` is the number of threads to compute on; None uses all cores.
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
        return [Result(*one, fit, self._refined(*one)) for one in zip(found, sizes, sources)]

    def _refined(self, found: Probabilities, size: tuple[int, int], source: Any) -> Map | None:
        """The refined map of a picture, which is read again if it is in a file."""
        if self.refine is None:
            return None
        return snap_to_edges(found.saliency, read_image(source))

    def in_batches(
        self, job: Callable[[list[S]], T], items: Iterable[S], waiting: int = 0
    ) -> Iterator[T]:
        """Apply `job` to batches of items, on threads, in order.

        `waiting` threads are added to those that compute, because some wait for the disk.
        """
        threads = road.threads_of(self.engine, self.threads) + waiting
        return road.in_batches(job, items, self.run_size, threads)

    @property
    def run_size(self) -> int:
        """How many pictures the network processes together: one on a processor's cores."""
        return road.batch_of(self.engine, self.batch_size)
