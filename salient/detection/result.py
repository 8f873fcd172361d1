"""The result of a detector: the map of a picture, and everything else from the same run."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from salient.arrays import Drawing, Map, Picture, Probabilities, Probability
from salient.data.encoding import encode, format_of
from salient.data.images import Photo, read_photo
from salient.data.transforms import fit, to_bytes, to_map
from salient.detection.cutout import Cutout, object_box
from salient.detection.presence import stands_out
from salient.detection.quality import IouFit
from salient.files import write_whole

if TYPE_CHECKING:
    from salient.detection.inputs import PictureLike

LEVEL = 128  # of `mask`: half


class Box(NamedTuple):
    """A bounding box in a picture, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


class Result(np.ndarray[tuple[int, int], np.dtype[np.uint8]]):
    """The saliency map of a picture, uint8 H,W, with everything else from the same run.

    It is a NumPy array and can be used as one. Results of operations, such as `result > 128` or
    `result[:10]`, are plain arrays. The network has run once; boundary, probability and cut-out are
    computed from its outputs when they are asked for.

    Attributes:
        found: the probabilities at the network's size; None in an array that was made from a
            result, such as `result.copy()`.
    """

    found: Probabilities | None = None
    _source: Any = None
    _fit: IouFit | None = None
    _is_refined = False

    def __new__(
        cls,
        found: Probabilities,
        size: tuple[int, int],
        source: PictureLike,
        fit: IouFit | None = None,
        refined: Map | None = None,
    ) -> Result:
        """The result for a picture of a size (height, width).

        `source` is the picture, or the file from which it is read again; `fit` predicts the IoU;
        `refined` is a map to use instead of the enlarged probabilities.
        """
        enlarged = to_map(found.saliency, size) if refined is None else refined
        result = enlarged.view(cls)
        result.found, result._source, result._fit = found, source, fit
        result._is_refined = refined is not None
        return result

    @property
    def saliency(self) -> Map:
        """The map as a plain array, uint8 H,W."""
        return np.asarray(self)

    @property
    def probability(self) -> Probability:
        """The saliency in [0, 1], float32 H,W; computed on each access.

        Of a refined map, it is the map divided by 255.
        """
        if self._is_refined:
            return np.asarray(self.saliency / 255, np.float32)
        return fit(self._found.saliency, self.shape)

    @cached_property
    def edge(self) -> Map:
        """The boundary map, uint8 H,W.

        Raises:
            ValueError: the network has no edge output.
        """
        if self._found.edge is None:
            raise ValueError("this network has no edge output, so there is no boundary map")
        return to_bytes(fit(self._found.edge, self.shape))

    @property
    def edge_or_none(self) -> Map | None:
        """The boundary map; None if the network has no edge output."""
        return None if self._found.edge is None else self.edge

    @property
    def picture(self) -> Picture:
        """The picture, RGB uint8 H,W,3; read from the file again unless it was an array."""
        _ = self._found
        return read_photo(self._source).rgb

    @property
    def photo(self) -> Photo:
        """The picture with what its file says of it: its own colours, transparency, EXIF data."""
        _ = self._found
        return read_photo(self._source)

    @property
    def box(self) -> Box | None:
        """Left, top, width and height of the pixels of at least LEVEL; None if there are none."""
        at = object_box(self.saliency >= LEVEL)
        if at is None:
            return None
        rows, columns = at
        size = columns.stop - columns.start, rows.stop - rows.start
        return Box(int(columns.start), int(rows.start), int(size[0]), int(size[1]))

    @property
    def area(self) -> float:
        """The fraction of the pixels of at least LEVEL, 0..1."""
        return float((self.saliency >= LEVEL).mean())

    @property
    def confidence(self) -> float:
        """The mean probability of the pixels of at least LEVEL, 0..1; 0 if there are none."""
        inside = self.saliency[self.saliency >= LEVEL]
        return float(inside.mean() / 255) if inside.size else 0.0

    @cached_property
    def predicted_iou(self) -> float | None:
        """How well the map's mask at LEVEL would match the truth, 0..1: the IoU to expect.

        None where nothing was fitted for the network's weights (see `salient.detection.quality`),
        or with `normalize`. `confidence` is not calibrated; this is, on held-out pairs of DUTS-TR.
        """
        return None if self._fit is None else self._fit.predict(self._found)

    @cached_property
    def stands_out(self) -> bool:
        """Whether anything stands out in the picture: see `salient.detection.presence`."""
        return stands_out(self.saliency, self.edge_or_none)

    def mask(self, threshold: int = LEVEL) -> Map:
        """255 where the map is at least `threshold`, otherwise 0; uint8 H,W."""
        return np.where(self.saliency < threshold, 0, 255).astype(np.uint8)

    def cutout(self, background: Any = None, **options: Any) -> Drawing:
        """The object cut out, in sRGB: RGBA uint8 H,W,4, or RGB H,W,3 on a background.

        Args:
            background, options: as `Cutout` takes them: `threshold`, `feather`, `min_area`, `crop`,
                `margin`, `square`. Where the picture is transparent, so is the cut-out. (A file of
                `salient predict` is in the picture's own colours, with its profile.)

        Raises:
            ValueError: an option that `Cutout` refuses.
            FileNotFoundError: the picture's file is gone.
        """
        photo = self.photo
        return Cutout(background, **options)(photo.straight, self.saliency, own=photo.alpha)

    def save(self, path: str | Path, quality: int | None = None) -> Path:
        """Write the map as a PNG, WebP or JPEG, completely or not at all; returns its path.

        Args:
            path: a name ending in `.png`, `.webp`, `.jpg` or `.jpeg`.
            quality: of WebP and JPEG, 1..100.

        Raises:
            ValueError: another extension.
            OSError: the file cannot be written.
        """
        return write_whole(path, encode(self.saliency, format_of(path), quality))

    @property
    def _found(self) -> Probabilities:
        if self.found is None:
            raise ValueError("this array was computed from a Result and is not one itself")
        return self.found

    # NumPy's protocols: operations on a result give plain arrays.

    def __getitem__(self, key: Any) -> Any:
        return self.saliency[key]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple(map(_plain, options["out"]))
        return getattr(ufunc, method)(*map(_plain, inputs), **options)

    def __reduce__(self) -> Any:
        if self.found is None:
            return self.saliency.__reduce__()
        refined = self.saliency if self._is_refined else None
        return Result, (self.found, self.shape, self._source, self._fit, refined)


def _plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, Result) else value
