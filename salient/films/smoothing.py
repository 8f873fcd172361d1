"""Smooth the maps of a video in time where the picture does not change, and measure flicker."""

from __future__ import annotations

import cv2
import numpy as np

from salient.arrays import Drawing, Float32, Map, Picture

COMPARED = 160  # longer side in pixels at which frames are compared, so that noise averages out
SAME = 6  # frames count as equal up to this many grey levels, and as different from twice as many


def shrink(picture: Picture) -> Float32:
    """A picture uint8 H,W or H,W,3 at a longer side of `COMPARED` pixels, by area averages."""
    height, width = picture.shape[:2]
    scale = min(1, COMPARED / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small: Drawing = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def stillness(before: Float32, after: Float32) -> Float32:
    """Two shrunk frames h,w,3 -> h,w: 1 where the picture did not change, 0 where it did.

    The channel that differs most counts. Changes are enlarged by the width of a map's soft border.
    """
    difference: Float32 = cv2.dilate(np.abs(after - before).max(2), np.ones((3, 3), np.uint8))
    return np.clip(2 - difference / SAME, 0, 1)


class Flicker:
    """The mean absolute change of maps where the picture does not change, over a video so far."""

    def __init__(self) -> None:
        self.total = self.weight = 0.0
        self._last: Float32 | None = None

    def add(self, saliency: Map, still: Float32 | None) -> None:
        """The next map uint8 H,W, and the stillness h,w from the frame before, if there is one."""
        shrunk = shrink(saliency)
        if self._last is not None and still is not None:
            self.total += float((np.abs(shrunk - self._last) * still).sum())
            self.weight += float(still.sum())
        self._last = shrunk

    @property
    def levels(self) -> float | None:
        """The mean in grey levels, 0..255; None if the whole picture changed in every frame."""
        return self.total / self.weight if self.weight else None


class Smoother:
    """Pulls each map of a video towards the previous one where the picture did not change.

    A map becomes `map + smooth * still * (before - map)`, where `before` is the last result and
    `still` the `stillness` of the picture. A moving object therefore leaves no ghost.

    Args:
        smooth: how much of the previous map to keep, from 0 (nothing) to below 1.

    Attributes:
        raw, smoothed: the `Flicker` of the maps before and after smoothing.

    Raises:
        ValueError: `smooth` is outside its bounds.
    """

    def __init__(self, smooth: float = 0.0) -> None:
        if not 0 <= smooth < 1:
            raise ValueError(f"smooth must be from 0 to below 1, got {smooth}")
        self.smooth = smooth
        self.raw, self.smoothed = Flicker(), Flicker()
        self._picture: Float32 | None = None
        self._maps: list[Float32] = []

    def __call__(self, picture: Picture, *maps: Map) -> list[Map]:
        """The next frame uint8 H,W,3 and its maps uint8 H,W -> the smoothed maps.

        Every frame must have the same number of maps. Flicker is measured on the first.
        """
        shrunk = shrink(picture)
        still = None if self._picture is None else stillness(self._picture, shrunk)
        self._picture = shrunk
        made = list(maps) if not self.smooth else self._smooth(list(maps), still)
        self.raw.add(maps[0], still)
        self.smoothed.add(made[0], still)
        return made

    def _smooth(self, maps: list[Map], still: Float32 | None) -> list[Map]:
        before, self._maps = self._maps, [one.astype(np.float32) for one in maps]
        if still is not None:
            size = maps[0].shape[1], maps[0].shape[0]
            weight = cv2.resize(still * np.float32(self.smooth), size)
            for current, old in zip(self._maps, before):
                old -= current  # in place: they are as large as the frame
                old *= weight
                current += old
        return [cv2.convertScaleAbs(current) for current in self._maps]  # which rounds

    def report(self) -> str:
        """The flicker in words."""
        raw, smoothed = self.raw.levels, self.smoothed.levels
        if raw is None or smoothed is None:
            return "flicker: none to measure, the picture changes everywhere"
        where = "of 255 grey levels a frame, where the picture does not change"
        if not self.smooth:
            return f"flicker: {raw:.2f} {where}"
        return f"flicker: {raw:.2f} without smoothing, {smoothed:.2f} with it, {where}"
