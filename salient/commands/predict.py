"""Detect: pictures in, saliency maps (or cut-outs, overlays, masks, boundaries) out, as PNGs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tqdm import tqdm

from salient.commands.cli import run
from salient.config import Count
from salient.detection.detector import Averaging, Detector
from salient.detection.folders import detect_files, find_pictures
from salient.detection.modes import MODES
from salient.devices import Precision, precision_name
from salient.files import check_writable


def predict(
    input: str | list[str] | None,
    output: str,
    checkpoint: str | None,
    mode: str,
    normalize: bool,
    overwrite: bool,
    device: str,
    precision: Precision,
    batch_size: Count,
    tta: Averaging | None,
) -> list[Path]:
    """Write a PNG under `output` for each picture of `input`; returns their paths.

    What cannot be read or written is told at the end, in a SystemExit, when all else is done.

    Raises:
        ValueError: no input, an unknown mode, or files that are there already.
        FileNotFoundError: no pictures.
    """
    if not input:
        raise ValueError("input: missing; salient predict photo.jpg output=maps")
    if mode not in MODES:
        raise ValueError(f"mode: {mode!r} is not valid; there are {', '.join(MODES)}")
    check_writable(output)
    named = [input] if isinstance(input, str) else input
    targets: dict[Path, Path] = {}
    for path in named:
        targets |= find_pictures(path, Path(output))
    standing = [target for target in targets.values() if target.exists()]
    if standing and not overwrite:
        raise ValueError(
            f"{len(standing)} of {len(targets)} files are there already, the first is "
            f"{standing[0]}; overwrite=true replaces them"
        )
    detector = Detector.load(
        checkpoint, device, precision, batch_size=batch_size, normalize=normalize, tta=tta
    )
    print(f"network: {detector.network.origin}")
    start, problems = time.perf_counter(), list[str]()
    files = detect_files(detector, targets, mode, problems)
    written = list(tqdm(files, unit="picture", total=len(targets), disable=None))
    rate = len(written) / (time.perf_counter() - start)
    print(
        f"mode={mode}: {len(written)} files in {output}, {rate:.1f} pictures a second in "
        f"{precision_name(detector.precision)}"
    )
    if problems:
        failed = f"error: {len(problems)} of {len(targets)} pictures failed:"
        sys.exit("\n".join([failed, *problems]))
    return written


if __name__ == "__main__":
    run("predict")
