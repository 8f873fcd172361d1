"""How `refine=guided` changes the border of maps, and what it costs.

    python -m benchmarks.edges PICTURES MASKS [--times 4] [--parts 2 3 4 6] [--checkpoint best]
    python -m benchmarks.edges --megapixels 12 24 50

The first enlarges each pair `--times` times, detects in it, and compares the plain and the refined
map with the mask, pair by pair. `--parts` of eight choose the pairs. The second measures a picture
of noise, whose content changes neither time nor memory.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.conditions import peak_memory
from salient import Detector
from salient.arrays import Map, Mask, Picture
from salient.data.images import read_image, read_mask
from salient.data.transforms import to_map
from salient.detection.guided import snap_to_edges
from salient.metrics.boundary import boundary

FIGURES = ("boundary IoU", "IoU", "MAE", "MAE of cut-outs")


def measure(saliency: Map, mask: Mask) -> list[float]:
    """FIGURES of a map and a mask of 0 and 1. A cut-out takes levels .1 to .9 for its alpha."""
    found = (saliency > 127).astype(np.uint8)
    alpha = np.clip((saliency / 255 - 0.1) / 0.8, 0, 1)
    ious = [
        (a & b).sum() / max((a | b).sum(), 1)
        for a, b in ((boundary(found), boundary(mask)), (found, mask))
    ]
    return [*ious, np.abs(saliency / 255 - mask).mean(), np.abs(alpha - mask).mean()]


def enlarge(picture: Picture, mask: Mask, times: int) -> tuple[Picture, Mask]:
    """A pair at another size; the mask is of 0 and 1."""
    size = (mask.shape[1] * times, mask.shape[0] * times)
    large = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)
    return picture, (large > 0.5).astype(np.uint8)


def compare(detector: Detector, pictures: Path, masks: Path, times: int, parts: list[int]) -> None:
    """Print the mean of each figure, plain and refined, and of their difference."""
    files = {path.stem: path for path in sorted(pictures.iterdir())}
    truths = [path for path in sorted(masks.iterdir()) if path.stem in files]
    rows = []
    for path in (path for k, path in enumerate(truths) if k % 8 in parts):
        truth = (read_mask(path) > 128).astype(np.uint8)
        picture, mask = enlarge(read_image(files[path.stem]), truth, times)
        found = detector(picture).found
        assert found is not None
        plain = to_map(found.saliency, mask.shape)
        rows.append([measure(x, mask) for x in (plain, snap_to_edges(found.saliency, picture))])
    values: NDArray[np.float64] = np.array(rows)
    moves = values[:, 1] - values[:, 0]
    errors = moves.std(0, ddof=1) / len(moves) ** 0.5
    print(f"{len(rows)} pairs, {times} times their size")
    for name, (before, after), move, error in zip(FIGURES, values.mean(0).T, moves.mean(0), errors):
        print(f"{name:<16} {before:.4f} -> {after:.4f}  {move:+.4f} ({move / error:+.1f} SE)")


def cost(megapixels: float) -> None:
    """Print seconds and memory for a picture of noise, beyond the picture itself."""
    side = round((megapixels * 1e6) ** 0.5)
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    square = np.random.default_rng(0).random((320, 320), np.float32)
    before = peak_memory()
    jobs: dict[str, Callable[[], Map]] = {
        "plain": lambda: to_map(square, (side, side)),
        "guided": lambda: snap_to_edges(square, picture),
    }
    for name, job in jobs.items():
        start = time.process_time()
        job()
        used, seconds = peak_memory() - before, time.process_time() - start
        print(f"{megapixels:g} megapixels, {name}: {seconds:.2f} s of processor, {used:.0f} MiB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="PICTURES MASKS")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--parts", type=int, nargs="*", default=list(range(8)))
    parser.add_argument("--checkpoint", default="best")
    parser.add_argument("--megapixels", type=float, nargs="*", default=[])
    asked = parser.parse_args()
    for megapixels in asked.megapixels:
        cost(megapixels)
    if asked.folders:
        detector = Detector.load(asked.checkpoint, "cpu")
        pictures, masks = asked.folders
        compare(detector, pictures, masks, asked.times, asked.parts)


if __name__ == "__main__":
    main()
