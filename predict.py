"""Detect: pictures in, saliency maps out, as 8-bit grey PNG files of the pictures' own sizes."""

from __future__ import annotations

import glob
import time
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from tqdm import tqdm

from salient import Detector
from salient.config import check_config, errors_for_people
from salient.data.images import SUFFIXES
from salient.detector import Picture


def predict(
    input: str, output: str, checkpoint: str | None, device: str, batch_size: int
) -> list[Path]:
    """Write `<output>/<stem>.png` for each picture of `input`; returns their paths."""
    pictures = find_pictures(input)
    detector = Detector.load(checkpoint, device)
    detector.batch_size = batch_size
    Path(output).mkdir(parents=True, exist_ok=True)
    start, written = time.perf_counter(), []
    progress = tqdm(total=len(pictures), unit="picture", disable=None)
    for first in range(0, len(pictures), batch_size):
        batch = pictures[first : first + batch_size]
        for path, saliency in zip(batch, detector(list[Picture](batch))):
            target = Path(output) / f"{path.stem}.png"
            Image.fromarray(saliency).save(target)
            written.append(target)
            progress.update()
    progress.close()
    rate = len(written) / (time.perf_counter() - start)
    print(f"{len(written)} maps in {output}, {rate:.1f} pictures a second")
    return written


def find_pictures(pattern: str) -> list[Path]:
    """The pictures that a file, a folder or a glob names, sorted.

    Raises:
        FileNotFoundError: there are none.
        ValueError: two of them share a stem, and so their map's name.
    """
    path = Path(pattern)
    found = path.iterdir() if path.is_dir() else map(Path, [pattern, *glob.glob(pattern)])
    named_alone = path.is_file()
    pictures = sorted(
        {p for p in found if p.is_file() and (named_alone or p.suffix.lower() in SUFFIXES)}
    )
    if not pictures:
        raise FileNotFoundError(f"input={pattern}: no pictures ({', '.join(SUFFIXES)})")
    stems = [p.stem for p in pictures]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise ValueError(f"input={pattern}: several pictures would write {twice[0]}.png")
    return pictures


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
