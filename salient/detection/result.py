"""What a detector answers with: the map of a picture, and all else that one run found."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salient.arrays import Drawing, Map, Picture, Probabilities, Probability
from salient.data.encoding import encode_png
from salient.data.images import read_image
from salient.data.transforms import fit, to_bytes, to_map
from salient.detection.cutout import Cutout
from salient.detection.presence import stands_out
from salient.files import write_whole

if TYPE_CHECKING:
    from salient.detection.inputs import PictureLike

LEVEL = 128  # of `mask`: half


class Result(np.ndarray[tuple[int, int], np.dtype[np.uint8]]):
    """The saliency map of a picture, uint8 H,W, with everything else that was found in it.

    It is a NumPy array and can be used as one. What is computed from it, such as `result > 128` or
    `result[:10]`, is a plain array. The network has run once; boundary, probability and cut-out are
    enlarged or drawn when they are asked for.

    Attributes:
        found: the probabilities, at the network's size; None in an array that was made from a
            result, such as `result.copy()`.
    """

    found: Probabilities | None = None
    _source: Any = None

    def __new__(cls, found: Probabilities, size: tuple[int, int], source: PictureLike) -> Result:
        """Of what was found in a picture of a size (height, width).

        `source` is the picture, or what it is read from again.
        """
        result = to_map(found.saliency, size).view(cls)
        result.found, result._source = found, source
        return result

    @property
    def saliency(self) -> Map:
        """The map as a plain array, uint8 H,W."""
        return np.asarray(self)

    @property
    def probability(self) -> Probability:
        """The saliency in [0, 1], float32 H,W; made anew at each call."""
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
        """The boundary map; None from a network without an edge output."""
        return None if self._found.edge is None else self.edge

    @property
    def picture(self) -> Picture:
        """The picture, RGB uint8 H,W,3: from the file again, unless it was given as an array."""
        _ = self._found
        return read_image(self._source)

    @cached_property
    def stands_out(self) -> bool:
        """Whether anything stands out in the picture: see `salient.detection.presence`."""
        return stands_out(self.saliency, self.edge_or_none)

    def mask(self, threshold: int = LEVEL) -> Map:
        """255 where the map is at least `threshold`, else 0; uint8 H,W."""
        return np.where(self.saliency < threshold, 0, 255).astype(np.uint8)

    def cutout(self, background: Any = None, **options: Any) -> Drawing:
        """The object cut out: RGBA uint8 H,W,4, or RGB H,W,3 on a background.

        Args:
            background, options: as `Cutout` takes them: `threshold`, `feather`, `min_area`, `crop`.

        Raises:
            ValueError: an option that `Cutout` refuses.
            FileNotFoundError: the picture's file is gone.
        """
        return Cutout(background, **options)(self.picture, self.saliency, self.edge_or_none)

    def save(self, path: str | Path) -> Path:
        """Write the map as a PNG, whole or not at all; returns its path.

        Raises:
            ValueError: the name does not end in `.png`.
            OSError: the file cannot be written.
        """
        if Path(path).suffix.lower() != ".png":
            raise ValueError(f"{path}: a map is saved as a PNG; the name ends in .png")
        return write_whole(path, encode_png(self.saliency))

    @property
    def _found(self) -> Probabilities:
        if self.found is None:
            raise ValueError("this array was made from a result, and is none itself")
        return self.found

    # NumPy's protocols: what is computed from a result is a plain array.

    def __getitem__(self, key: Any) -> Any:
        return self.saliency[key]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple(map(_plain, options["out"]))
        return getattr(ufunc, method)(*map(_plain, inputs), **options)

    def __reduce__(self) -> Any:
        if self.found is None:
            return self.saliency.__reduce__()
        return Result, (self.found, self.shape, self._source)


def _plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, Result) else value
