"""Draw the figures of docs/use/detect.md, with the bundled weights `best`.

    python -m benchmarks.pictures IMAGES [--output docs]

IMAGES is the folder of ECSSD's pictures. `modes.webp` shows every 250th picture in each mode.
`cutouts.webp` shows fur and glass, with the map as transparency and with `Cutout`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salient.data.images import read_image
from salient.detection.cutout import Cutout
from salient.detection.detector import Detector
from salient.detection.modes import MODES
from salient.files import write_whole

Array = NDArray[np.uint8]

PINK = (214, 51, 132)  # makes remains of the background visible
DETAILS = {  # fur and glass: top, left and side of the detail, as fractions
    "0049": (0.1, 0.4, 0.5),
    "0774": (0.0, 0.0, 1.0),
    "0814": (0.1, 0.3, 0.6),
}


def over(picture: Array, ground: Array) -> Array:
    """Lay RGBA over RGB of the same size."""
    alpha = picture[..., 3:] / 255
    return np.rint(picture[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)


def checkers(size: tuple[int, int], side: int = 20) -> Array:
    """Light squares, to show transparency."""
    y, x = np.mgrid[: size[0], : size[1]] // side
    return np.repeat(np.where((x + y) % 2, 200, 240)[..., None], 3, 2).astype(np.uint8)


def modes(detector: Detector, file: Path) -> list[Array]:
    """A picture and its output in each mode, RGB."""
    picture = read_image(file)
    saliency, edge = next(detector.detect([picture]))
    cells = [picture]
    for draw in MODES.values():
        made = draw(picture, saliency, edge)
        if made.ndim == 2:
            made = cv2.cvtColor(made, cv2.COLOR_GRAY2RGB)
        cells.append(over(made, checkers(made.shape[:2])) if made.shape[2] == 4 else made)
    return cells


def before_and_after(detector: Detector, file: Path) -> list[Array]:
    """A detail of a picture, its map as transparency, and its cut-out; both over pink."""
    picture = read_image(file)
    saliency, edge = next(detector.detect([picture]))
    pink = np.broadcast_to(np.array(PINK, np.uint8), picture.shape)
    before = np.dstack([picture, saliency])
    shown = [picture, over(before, pink), over(Cutout()(picture, saliency, edge), pink)]
    top, left, side = DETAILS[file.stem]
    (height, width), y = picture.shape[:2], round(top * picture.shape[0])
    x = round(left * width)
    return [one[y : y + round(side * height), x : x + round(side * width)] for one in shown]


def sheet(rows: Sequence[Sequence[Array]], width: int) -> Array:
    """Rows of pictures, each 4:3 and `width` pixels wide, with white gaps."""
    size = width, width * 3 // 4
    gap = ((2, 2), (2, 2), (0, 0))
    cells = [[cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in row] for row in rows]
    framed = [[np.pad(x, gap, constant_values=255) for x in row] for row in cells]
    return np.concatenate([np.concatenate(row, 1) for row in framed])


def save(picture: Array, file: Path) -> None:
    """Write a WebP."""
    content = BytesIO()
    Image.fromarray(picture).save(content, "WEBP", quality=85, method=6)
    write_whole(file, content.getvalue())
    print(f"{file}: {len(content.getvalue()) // 1000} kB")


def main() -> None:
    """Draw both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("images", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs"))
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.images.iterdir() if path.is_file())
    detector = Detector.load("best", device="cpu", precision="fp32")
    rows = [modes(detector, file) for file in files[::250]]
    save(sheet(rows, 200), arguments.output / "modes.webp")
    chosen = [file for file in files if file.stem in DETAILS]
    rows = [before_and_after(detector, file) for file in chosen]
    if rows:
        save(sheet(rows, 300), arguments.output / "cutouts.webp")


if __name__ == "__main__":
    main()
