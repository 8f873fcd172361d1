"""The loops over pixels, compiled by Numba.

They release the interpreter's lock, so that threads score in parallel. Arrays are C-contiguous; H
and W are at least 1.

Numba is used instead of NumPy and OpenCV because at 1024 x 1024 a complete score takes 11 ms
(`python -m benchmarks.metrics --size 1024x1024`), while OpenCV's exact distance transform takes
18 ms by itself. The last digits of its float32 distances also depend on the number of threads.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

P = ParamSpec("P")
R = TypeVar("R")
Bytes = npt.NDArray[np.uint8]
Shorts = npt.NDArray[np.int16]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVELS = 256
MASK_THRESHOLD = 128  # foreground is > 128: PySODMetrics 1.6.2, prepare_data
FARTHEST = 265  # pixels; farther, 2^(-d/5) is below 2^-53 and 2 - 2^(-d/5) is 2 in float64
RADIUS = 3  # of the 7 x 7 Gaussian, pixels
NEAR = 2 * RADIUS**2  # largest squared distance to the foreground of a pixel the kernel reads
NEAR_ROWS = 4  # largest number of rows in such a distance, floor(sqrt(NEAR))


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile on the first call; cache the machine code on disk if a folder can be written."""
    try:
        compiler = numba.njit(nogil=True, error_model="numpy", cache=True)
        return cast(Callable[P, R], compiler(function))
    except RuntimeError:  # Numba found no folder for its cache
        return cast(Callable[P, R], numba.njit(nogil=True, error_model="numpy")(function))


@compiled
def foreground_moments(mask: Bytes) -> tuple[int, int, int]:
    """The foreground's number of pixels, sum of rows and sum of columns (0-based)."""
    count, rows, columns = 0, 0, 0
    for y in range(mask.shape[0]):
        row_count, row_columns = 0, 0
        for x in range(mask.shape[1]):
            inside = mask[y, x] > MASK_THRESHOLD
            row_count += inside
            row_columns += x * inside
        count += row_count
        rows += y * row_count
        columns += row_columns
    return count, rows, columns


@compiled
def joint_histogram(prediction: Bytes, mask: Bytes, rows: int, columns: int) -> Counts:
    """Count pixels: int64 4,2,256 by quadrant, background/foreground and the prediction's byte.

    The quadrants meet at rows, columns: left top, right top, left bottom, right bottom. Four tables
    take turns, since adding to the entry that was just written has to wait for the write.
    """
    counts = np.zeros((4, 4, 2 * LEVELS), dtype=np.int64)
    height, width = prediction.shape
    for y in range(height):
        bottom = 2 if y >= rows else 0
        for right in range(2):
            first, last = (columns, width) if right else (0, min(columns, width))
            for x in range(first, last):
                inside = np.int64(mask[y, x] > MASK_THRESHOLD)
                counts[x & 3, bottom + right, inside * LEVELS + prediction[y, x]] += 1
    total: Counts = counts.sum(axis=0).reshape(4, 2, LEVELS)
    return total


@compiled
def vertical_distance(mask: Bytes) -> Shorts:
    """The distance to the foreground of the same column, int16 H,W, <= FARTHEST + 1."""
    height, width = mask.shape
    distance = np.empty((height, width), dtype=np.int16)
    for x in range(width):
        distance[0, x] = 0 if mask[0, x] > MASK_THRESHOLD else FARTHEST + 1
    for y in range(1, height):
        for x in range(width):
            below = min(distance[y - 1, x] + 1, FARTHEST + 1)
            distance[y, x] = 0 if mask[y, x] > MASK_THRESHOLD else below
    for y in range(height - 2, -1, -1):
        for x in range(width):
            distance[y, x] = min(distance[y, x], distance[y + 1, x] + 1)
    return distance


@compiled
def run_distance(
    vertical: Shorts, first: int, last: int, column: Counts, height: Counts, squared: Counts
) -> None:
    """Write the exact squared distances to the foreground of a row's run of background pixels.

    The pixel x sees the foreground of column u at (x - u)^2 + v^2 = x^2 + (u^2 + v^2) - 2 x u: its
    nearest is where the lower convex hull of the points (u, u^2 + v^2) has the slope 2 x. (This is
    the parabolas' envelope of Felzenszwalb and Huttenlocher 2012, section 2.1, in integers.)
    Foreground pixels bound the run and hide what lies beyond them.

    Args:
        vertical: int16 W, the row of `vertical_distance`.
        first: where the run begins.
        last: the column after its end.
        column: int64 W + 2, scratch for the hull's columns u.
        height: int64 W + 2, scratch for the hull's u^2 + v^2.
        squared: int64 W or more; receives the result, above FARTHEST^2 where nothing is that near.
    """
    one = np.uint64(1)  # unsigned indices save a third: no check for negative ones
    top = np.uint64(0)  # the hull stands in column[1..top], height[1..top]
    begin, beyond = max(first - 1, 0), min(last + 1, vertical.size)
    for u in range(np.uint64(begin), np.uint64(beyond)):
        v = np.int64(vertical[u])
        if v > FARTHEST:
            continue
        site = np.int64(u)
        new = site * site + v * v
        while top > one and (new - height[top]) * (column[top] - column[top - one]) <= (
            height[top] - height[top - one]
        ) * (site - column[top]):
            top -= one
        top += one
        column[top], height[top] = site, new
    x, end = np.uint64(first), np.uint64(last)
    for k in range(one, top + one):
        stop = end
        if k < top:
            middle = (height[k + one] - height[k]) // (2 * (column[k + one] - column[k]))
            stop = np.uint64(min(last, max(middle + 1, 0)))
        while x < stop:
            squared[x] = np.int64(x) * (np.int64(x) - 2 * column[k]) + height[k]
            x += one
    squared[x:end] = (FARTHEST + 1) ** 2


@compiled
def copy_nearest(mask: Bytes, y: int, x: int, steps: Counts, error: Bytes) -> None:
    """Copy to (y, x) the error where the first step (int64 n,2: dx, dy) meets the foreground."""
    height, width = mask.shape
    for k in range(steps.shape[0]):
        row, column = y + steps[k, 1], x + steps[k, 0]
        if 0 <= row < height and 0 <= column < width and mask[row, column] > MASK_THRESHOLD:
            error[y + RADIUS, x + RADIUS] = error[row + RADIUS, column + RADIUS]
            return


@compiled
def is_idle(prediction: Bytes, vertical: Shorts, low: int) -> bool:
    """Whether a row has neither a false alarm nor foreground within NEAR_ROWS rows."""
    busy = False
    for x in range(prediction.size):
        busy |= (prediction[x] != low) | (vertical[x] <= NEAR_ROWS)
    return not busy


@compiled
def background_pass(
    prediction: Bytes,
    mask: Bytes,
    low: int,
    discount: Floats,
    steps: Counts,
    starts: Counts,
    error: Bytes,
) -> float:
    """Sum (byte - low) * discount[squared distance to the foreground] over the background.

    Args:
        prediction: uint8 H,W.
        mask: uint8 H,W.
        low: the byte that stands for saliency 0.
        discount: float64, by squared distance in pixels; 0 beyond its end.
        steps: int64 n,2, the (dx, dy) that lead to a nearest pixel, by squared length; of one
            length the preferred first.
        starts: int64 NEAR + 2; steps[starts[d] : starts[d + 1]] have the squared length d.
        error: uint8 (H + 2 RADIUS) x (W + 2 RADIUS) as `foreground_error` gives it; each background
            pixel that the kernel reads receives the error of its nearest foreground pixel.
    """
    height, width = mask.shape
    vertical = vertical_distance(mask)
    column, hull, squared = np.empty((3, width + 2), dtype=np.int64)
    total = 0.0
    for y in range(height):
        row, above = prediction[y], vertical[y]
        x = width if is_idle(row, above, low) else 0
        while x < width:
            first = x
            while x < width and above[x] != 0:
                x += 1
            if x > first:
                run_distance(above, first, x, column, hull, squared)
            for i in range(np.uint64(first), np.uint64(x)):
                d = squared[i]
                if d < discount.size:
                    total += (np.int64(row[i]) - low) * discount[np.uint64(d)]
                if d <= NEAR:
                    copy_nearest(mask, y, int(i), steps[starts[d] : starts[d + 1]], error)
            x += 1
    return total


@compiled
def foreground_error(prediction: Bytes, mask: Bytes, high: int) -> Bytes:
    """High - byte on the foreground, else 0: uint8 H,W with a margin of RADIUS zeros."""
    height, width = mask.shape
    error = np.zeros((height + 2 * RADIUS, width + 2 * RADIUS), dtype=np.uint8)
    for y in range(height):
        for x in range(width):
            inside = mask[y, x] > MASK_THRESHOLD
            error[y + RADIUS, x + RADIUS] = high - prediction[y, x] if inside else 0
    return error


@compiled
def foreground_pass(error: Bytes, mask: Bytes, kernel: Floats) -> float:
    """Sum the smaller of the error and the smoothed error over the foreground, in bytes.

    Args:
        error: uint8 (H + 2 RADIUS) x (W + 2 RADIUS), see `background_pass`.
        mask: uint8 H,W.
        kernel: float64 RADIUS + 1, one half of the separable symmetric kernel, its centre first.
    """
    height, width = mask.shape
    columns = np.empty(width + 2 * RADIUS)
    smooth = np.empty(width)
    total = 0.0
    for y in range(height):
        first, last = 0, width
        while first < width and mask[y, first] <= MASK_THRESHOLD:
            first += 1
        while last > first and mask[y, last - 1] <= MASK_THRESHOLD:
            last -= 1
        for x in range(first, last + 2 * RADIUS if last > first else first):
            column = kernel[0] * error[y + 3, x]
            column += kernel[1] * (np.int32(error[y + 2, x]) + error[y + 4, x])
            column += kernel[2] * (np.int32(error[y + 1, x]) + error[y + 5, x])
            column += kernel[3] * (np.int32(error[y, x]) + error[y + 6, x])
            columns[x] = column
        for x in range(first, last):
            row = kernel[0] * columns[x + 3] + kernel[1] * (columns[x + 2] + columns[x + 4])
            row += kernel[2] * (columns[x + 1] + columns[x + 5])
            smooth[x] = row + kernel[3] * (columns[x] + columns[x + 6])
        for x in range(first, last):
            if mask[y, x] > MASK_THRESHOLD:
                total += min(np.float64(error[y + RADIUS, x + RADIUS]), smooth[x])
    return total
