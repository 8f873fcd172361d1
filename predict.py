"""Detect: pictures in, saliency maps (or cut-outs, overlays, masks, boundaries) out, as PNGs."""

from __future__ import annotations

import glob
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import cv2
import hydra
import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from tqdm import tqdm

from salient import Detector
from salient.config import check_config, errors_for_people
from salient.data.images import SUFFIXES, read_image
from salient.detector import Precision

MOST_BYTES = 200_000_000  # of pictures that are held for one batch
Array = NDArray[np.uint8]
MASK_LEVEL = 128  # of mode=mask: the object is where the map is at least this


def overlay(picture: Array, saliency: Array) -> Array:
    """The map as heat over the picture, RGB H,W,3."""
    heat = cv2.applyColorMap(saliency, cv2.COLORMAP_TURBO)[..., ::-1]
    mixed: Array = cv2.addWeighted(picture, 0.5, np.ascontiguousarray(heat), 0.5, 0)
    return mixed


# What is written of a picture H,W,3, its map H,W and its boundary map H,W.
MODES: dict[str, Callable[[Array, Array, Array], Array]] = {
    "map": lambda picture, saliency, edge: saliency,
    "cutout": lambda picture, saliency, edge: np.dstack([picture, saliency]),
    "overlay": lambda picture, saliency, edge: overlay(picture, saliency),
    "mask": lambda picture, saliency, edge: np.where(saliency < MASK_LEVEL, 0, 255).astype(
        np.uint8
    ),
    "edges": lambda picture, saliency, edge: edge,
}


def predict(
    input: str,
    output: str,
    mode: Literal["map", "cutout", "overlay", "mask", "edges"],
    checkpoint: str | None,
    normalize: bool,
    overwrite: bool,
    device: str,
    precision: Precision,
    batch_size: int,
) -> list[Path]:
    """Write a PNG under `output` for each picture of `input`; returns their paths.

    What cannot be read or written is told at the end, in a SystemExit, when all else is done.
    """
    targets = find_pictures(input, Path(output))
    standing = [target for target in targets.values() if target.exists()]
    if standing and not overwrite:
        raise ValueError(
            f"{len(standing)} of {len(targets)} files are there already, the first is "
            f"{standing[0]}; overwrite=true replaces them"
        )
    options: dict[str, Any] = dict(batch_size=batch_size, normalize=normalize)
    detector = Detector.load(checkpoint, device, precision, **options)
    start, written = time.perf_counter(), list[Path]()
    problems: list[str] = []
    progress = tqdm(targets, unit="picture", disable=None)
    for batch in read_batches(progress, batch_size, problems):
        for (path, picture), found in zip(batch.items(), detector.detect(list(batch.values()))):
            try:
                written.append(write(MODES[mode](picture, *found), targets[path]))
            except OSError as error:
                problems.append(f"{targets[path]}: {error}")
    rate = len(written) / (time.perf_counter() - start)
    kind = str(detector.precision).removeprefix("torch.")
    print(f"mode={mode}: {len(written)} files in {output}, {rate:.1f} pictures a second in {kind}")
    if problems:
        failed = f"error: {len(problems)} of {len(targets)} pictures failed:"
        sys.exit("\n".join([failed, *problems]))
    return written


def read_batches(
    paths: Iterable[Path], size: int, problems: list[str]
) -> Iterator[dict[Path, Array]]:
    """Up to `size` pictures at a time, fewer of large ones; `problems` gets what cannot be read."""
    batch: dict[Path, Array] = {}
    for path in paths:
        try:
            batch[path] = read_image(path)
        except (ValueError, OSError) as error:
            problems.append(str(error))
        if len(batch) == size or sum(picture.nbytes for picture in batch.values()) > MOST_BYTES:
            yield batch
            batch = {}
    if batch:
        yield batch


def write(picture: Array, target: Path) -> Path:
    """Write a PNG, the whole of it or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        Image.fromarray(picture).save(partial, "PNG")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def find_pictures(pattern: str, output: Path) -> dict[Path, Path]:
    """The pictures that a file, a folder (with those inside it) or a glob names, and their outputs.

    A folder's structure is kept under `output`.

    Raises:
        FileNotFoundError: there are none.
        ValueError: two of them would be written to one file.
    """
    root = Path(pattern)
    if root.is_file():
        found = [root]
    elif root.is_dir():
        inside = (p for p in root.rglob("*") if output.resolve() not in p.resolve().parents)
        found = [p for p in inside if p.is_file() and p.suffix.lower() in SUFFIXES]
    else:
        named = map(Path, glob.glob(pattern, recursive=True))
        found = [p for p in named if p.is_file() and p.suffix.lower() in SUFFIXES]
    if not found:
        raise FileNotFoundError(f"input={pattern}: no pictures ({', '.join(SUFFIXES)})")
    targets: dict[Path, Path] = {}
    for path in sorted(found):
        inner = path.relative_to(root) if root.is_dir() else Path(path.name)
        target = output / inner.with_suffix(".png")
        if target in targets.values():
            raise ValueError(f"input={pattern}: several pictures would write {target}")
        targets[path] = target
    return targets


@hydra.main(version_base="1.3", config_path="configs", config_name="predict")
def main(config: DictConfig) -> None:
    with errors_for_people():
        plain: dict[str, Any] = OmegaConf.to_container(  # type: ignore[assignment]
            config, resolve=True, throw_on_missing=True
        )
        check_config(plain, predict)
        predict(**plain)


if __name__ == "__main__":
    main()
