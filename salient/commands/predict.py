"""Detect: pictures in, saliency maps (or cut-outs, overlays, masks, boundaries) out, as PNGs."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from salient.commands.build import build
from salient.commands.cli import run
from salient.config import Count
from salient.data.pairs import first_few
from salient.detection.cutout import Cutout
from salient.detection.detector import Averaging, Detector
from salient.detection.folders import Found, detect_files, find_pictures
from salient.detection.load import EngineName
from salient.detection.modes import MODES
from salient.devices import Precision
from salient.files import check_writable, remove_partials


def predict(
    input: str | list[str] | None,
    output: str,
    checkpoint: str | None,
    mode: str,
    cutout: dict[str, Any],
    normalize: bool,
    overwrite: bool | Literal["skip"],
    device: str,
    precision: Precision,
    engine: EngineName,
    batch_size: Count,
    tta: Averaging | None,
) -> list[Path]:
    """Write a PNG under `output` for each picture of `input`; returns their paths.

    What cannot be read or written is told at the end, in a SystemExit, when all else is done.

    Raises:
        ValueError: no input, an unknown mode, or files that are there already.
        FileNotFoundError: no pictures.
        OSError: `output` cannot be written.
    """
    if not input:
        raise ValueError("input: missing; salient predict photo.jpg output=maps")
    if mode not in MODES:
        raise ValueError(f"mode: {mode!r} is not valid; there are {', '.join(MODES)}")
    draw = (MODES | {"cutout": build(cutout, "cutout", Cutout)})[mode]
    found = find_pictures(input, Path(output))
    problems, count = found.problems, len(found.targets) + len(found.problems)
    targets = _without_standing(found, overwrite)
    check_writable(output)
    for folder in {target.parent for target in targets.values()}:
        remove_partials(folder)
    detector = Detector.load(
        checkpoint, device, precision, engine, batch_size=batch_size, normalize=normalize, tta=tta
    )
    print(f"network: {detector.engine.origin}")
    start, written = time.perf_counter(), list[Path]()
    go_on = f"of {len(targets)} files are written; go on with overwrite=skip"
    try:
        files = detect_files(detector, targets, draw, problems)
        for path in tqdm(files, unit="picture", total=len(targets), disable=None):
            written.append(path)
    except KeyboardInterrupt:
        sys.exit(f"interrupted: {len(written)} {go_on}")
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}; {len(written)} {go_on}")
    rate = len(written) / (time.perf_counter() - start)
    print(
        f"mode={mode}: {len(written)} files in {output}, {rate:.1f} pictures a second by "
        f"{detector.engine.name}"
    )
    if problems:
        failed = f"error: {len(problems)} of {count} pictures failed:"
        sys.exit("\n".join([failed, *problems]))
    return written


def _without_standing(found: Found, overwrite: bool | Literal["skip"]) -> dict[Path, Path]:
    """What is to be written; says what is not, and which names are not what one expects."""
    targets = found.targets
    if found.left_out:
        names = first_few([str(path) for path in found.left_out])
        print(f"left out, no pictures by their endings: {names}")
    longer = [path.name for path, target in targets.items() if target.name == f"{path.name}.png"]
    if longer:
        print(f"several of one name, so with their endings: {first_few(longer)} (.png)")
    standing = [path for path, target in targets.items() if target.exists()]
    if not standing or overwrite is True:
        return targets
    there = f"{len(standing)} of {len(targets)} files are there already"
    if overwrite is False:
        raise ValueError(
            f"{there}, the first is {targets[standing[0]]}; overwrite=true replaces them, "
            "overwrite=skip makes the others"
        )
    print(f"{there} and stay")
    return {path: target for path, target in targets.items() if not target.exists()}


def adapt_arguments(arguments: list[str]) -> list[str]:
    """A colour such as `cutout.background=255,0,0` is one value, not a sweep over three."""
    colour = re.compile(r"(cutout\.background=)(\d+ *, *\d+ *, *\d+|#\w+)")
    return [colour.sub(r"\1'\2'", argument) for argument in arguments]


if __name__ == "__main__":
    run("predict")
