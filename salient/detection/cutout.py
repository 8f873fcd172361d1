"""Cut-outs without haze, with the object's own colours at its border, on any background."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps
from pydantic import Field

from salient.arrays import Drawing, Float32, Map, Picture
from salient.config import AnyPath, ConfigError, Part, Share, checked
from salient.data.images import Photo, read_image


@checked
@dataclass(frozen=True)
class Cutout:
    """The settings of cut-outs. Calling it like an output mode makes a cut-out.

    Args:
        background: None, `transparent` or `none` for a transparent one; or a colour (`white`,
            `255,0,0`, `#ff0000`), `blur` for the picture's own background out of focus, or an
            image file, which is scaled to cover and cropped at its centre.
        threshold: the level of the map, above 0 and below 1, at which the object ends.
        feather: softness of the border, 0..1: 0 is hard, 1 uses the map as it is. Alpha is 0 below
            `threshold * (1 - feather)`, 1 above `threshold + (1 - threshold) * feather`, and
            linear between.
        min_area: connected parts smaller than this fraction of the picture, 0..1, are removed.
        crop: crop the result to the object; without an object the picture stays whole.
        margin: with `crop`: space around the object, as a fraction of its longer side.
        square: with `crop`: make the result square. Outside the picture, the result is transparent,
            has the background's colour, or continues the background.

    Raises:
        ValueError: a value outside its bounds, or an unknown background.
    """

    background: AnyPath | None = None
    threshold: Part = 0.5
    feather: Share = 0.8
    min_area: Share = 0.0
    crop: bool = False
    margin: Annotated[float, Field(ge=0, le=4)] = 0.0
    square: bool = False

    def __post_init__(self) -> None:
        if (self.margin or self.square) and not self.crop:
            name = "margin" if self.margin else "square"
            raise ConfigError(f"{name}: only with crop=true")
        _ = self._fill  # refuses a bad background before any picture is read

    def __call__(
        self, picture: Picture, saliency: Map, edge: Map | None = None, own: Map | None = None
    ) -> Drawing:
        """A picture uint8 H,W,3 and its map uint8 H,W -> RGBA H,W,4, or RGB with a background.

        `own` is the picture's own transparency, uint8 H,W: 0 is transparent. The colours of
        `picture` must then be those without a background.
        """
        alpha = self.alpha(saliency)
        colours = foreground(picture, alpha)
        if own is not None:
            alpha = np.minimum(alpha, own.astype(np.float32) / 255)
            colours = np.where(own[..., None] < 255, picture, colours)
        if self._fill is None:
            made = np.dstack([colours, np.rint(alpha * 255).astype(np.uint8)])
            made[made[..., 3] == 0] = 0  # nothing of the background is in the file
        else:
            behind, weight = self._behind(picture, alpha), alpha[..., None]
            mixed = colours * weight + behind * (1 - weight)
            made = np.rint(mixed).astype(np.uint8)
        box = object_box(alpha) if self.crop else None
        if box is None:
            return made
        return np.ascontiguousarray(self._cropped(made, *box))

    def of(self, photo: Photo, saliency: Map) -> Drawing:
        """Like a call, for a photo that may be transparent and have its own colour profile."""
        colours = photo.own if self.keeps_colours else photo.straight
        return self(colours, saliency, own=photo.alpha)

    @property
    def keeps_colours(self) -> bool:
        """Whether a cut-out keeps the picture's own colours, and so its profile."""
        return self._fill is None or isinstance(self._fill, str)

    @property
    def is_transparent(self) -> bool:
        """Whether a cut-out has no background."""
        return self._fill is None

    def _cropped(self, made: Drawing, rows: slice, columns: slice) -> Drawing:
        """The part with the object; the background is continued outside the picture."""
        spare = round(self.margin * max(rows.stop - rows.start, columns.stop - columns.start))
        sides = [(one.start - spare, one.stop + spare) for one in (rows, columns)]
        if self.square:
            side = max(stop - start for start, stop in sides)
            starts = [start - (side - (stop - start)) // 2 for start, stop in sides]
            sides = [(start, start + side) for start in starts]
        (top, bottom), (left, right) = sides
        height, width = made.shape[:2]
        beyond = [max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0)]
        made = made[max(top, 0) : bottom, max(left, 0) : right]
        around = ((beyond[0], beyond[1]), (beyond[2], beyond[3]), (0, 0))
        if isinstance(self._fill, np.ndarray) and self._fill.shape[:2] == (1, 1):
            canvas = np.empty((bottom - top, right - left, 3), np.uint8)
            canvas[:] = self._fill
            canvas[beyond[0] : beyond[0] + len(made), beyond[2] : beyond[2] + made.shape[1]] = made
            return canvas
        return np.pad(made, around) if self._fill is None else np.pad(made, around, "edge")

    def alpha(self, saliency: Map) -> Float32:
        """A map uint8 H,W -> how much of each pixel is the object, in [0, 1]."""
        floor = self.threshold * (1 - self.feather)
        ceiling = self.threshold + (1 - self.threshold) * self.feather
        level = saliency.astype(np.float32) / 255
        if ceiling == floor:
            alpha = (level >= floor).astype(np.float32)
        else:
            alpha = np.clip((level - floor) / (ceiling - floor), 0, 1)
        if self.min_area:
            shown = (alpha > 0).astype(np.uint8)
            _, labels, stats, _ = cv2.connectedComponentsWithStats(shown)
            small = stats[:, cv2.CC_STAT_AREA] < self.min_area * saliency.size
            alpha[small[labels]] = 0
        return alpha

    @cached_property
    def _fill(self) -> str | Picture | None:
        """None, `blur`, or the new background: a colour of shape (1, 1, 3) or a picture."""
        if self.background in (None, "transparent", "none"):
            return None
        if self.background == "blur":
            return self.background
        colour = find_colour(self.background)
        if colour is not None:
            return colour
        if not Path(self.background).is_file():
            raise ConfigError(
                f"background: {self.background!r} is not valid; use a colour such as white "
                "or 255,0,0, blur, or a picture's file"
            )
        return read_image(self.background)

    def _behind(self, picture: Picture, alpha: Float32) -> Float32 | Picture:
        if isinstance(self._fill, str):
            around = (1 - alpha)[..., None]
            return _mean(picture.astype(np.float32), around, max(alpha.shape) // 12)
        assert self._fill is not None
        if self._fill.shape[:2] == (1, 1):
            return self._fill
        size = alpha.shape[1], alpha.shape[0]
        return np.asarray(ImageOps.fit(Image.fromarray(self._fill), size))


def find_colour(text: str) -> Picture | None:
    """A colour such as `white`, `255,0,0` or `#ff0000`, uint8 1,1,3; None for any other text."""
    numbers = text.replace(" ", "").split(",")
    if len(numbers) == 3 and all(n.isdecimal() and int(n) < 256 for n in numbers):
        return np.array(numbers, int).astype(np.uint8).reshape(1, 1, 3)
    try:
        return np.array(ImageColor.getrgb(text)[:3], np.uint8).reshape(1, 1, 3)
    except ValueError:
        return None


def foreground(picture: Picture, alpha: Float32) -> Picture:
    """The object's own colours uint8 H,W,3, without the background that shows through its border.

    Forte, "Approximate Fast Foreground Colour Estimation" (ICIP 2021), equations 2 to 4: twice,
    over a 16th and then a 128th of the longer side. Where alpha is 1 it is the picture.
    """
    image, weight = picture.astype(np.float32), alpha[..., None]
    front = back = image
    for part in (16, 128):
        reach = max(alpha.shape) // part + 1
        mean_front = _mean(front, weight, reach)
        back = _mean(back, 1 - weight, reach)
        front = mean_front + weight * (image - weight * mean_front - (1 - weight) * back)
        front = np.clip(front, 0, 255)
    return np.where(weight == 1, picture, np.rint(front).astype(np.uint8))


def object_box(alpha: NDArray[Any]) -> tuple[slice, slice] | None:
    """Rows and columns of the smallest box around everything that is not transparent, or None."""
    rows, columns = np.nonzero(alpha.any(1))[0], np.nonzero(alpha.any(0))[0]
    if not rows.size:
        return None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _mean(colours: Float32, weight: Float32, reach: int) -> Float32:
    """The weighted mean of the colours H,W,3 in a square around each pixel; 0 without weight."""
    side = (max(reach, 1), max(reach, 1))
    total = cv2.blur(weight, side)[..., None]
    mean: Float32 = cv2.blur(colours * weight, side) / np.maximum(total, 1e-5)
    return mean
