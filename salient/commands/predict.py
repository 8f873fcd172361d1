"""Detect: pictures in, saliency maps (or cut-outs, overlays, masks, boundaries) out, as PNGs.

Or a film in, and a film or a folder of its frames out.
"""

from __future__ import annotations

import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from tqdm import tqdm

from salient.cli.build import build
from salient.cli.main import run
from salient.commands.film import predict_film
from salient.config import Count
from salient.data.pairs import first_few
from salient.detection.cutout import Cutout
from salient.detection.detector import Averaging, Detector
from salient.detection.folders import Found, detect_files, find_pictures
from salient.detection.load import EngineName
from salient.detection.modes import MODES
from salient.devices import Precision
from salient.files import check_writable, remove_partials
from salient.films.frames import CONTAINERS, find_film


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
    smooth: Annotated[float, Field(ge=0, lt=1)],
) -> list[Path]:
    """Write a PNG under `output` for each picture of `input`; returns their paths.

    Of a film it is a film, or a PNG for each frame. What cannot be read or written is told at the
    end, in a SystemExit, when all else is done.

    Raises:
        ValueError: no input, an unknown mode, files that are there already, or an `output` that
            does not go with the input.
        FileNotFoundError: no pictures.
        OSError: `output` cannot be written.
    """
    if not input:
        raise ValueError("input: missing; salient predict photo.jpg output=maps")
    if mode not in MODES:
        raise ValueError(f"mode: {mode!r} is not valid; there are {', '.join(MODES)}")
    draw = (MODES | {"cutout": build(cutout, "cutout", Cutout)})[mode]
    options = dict(batch_size=batch_size, normalize=normalize, tta=tta)
    load = partial(Detector.load, checkpoint, device, precision, engine, **options)
    film = find_film(input)
    if film is not None:
        return predict_film(film, output, draw, overwrite, smooth, load)
    if Path(output).suffix.lower() in CONTAINERS and not Path(output).is_dir():
        raise ValueError(f"output={output}: a film is made of a film; give a folder")
    if smooth:
        raise ValueError("smooth: is for a film; smooth=0")
    found = find_pictures(input, Path(output))
    problems, count = found.problems, len(found.targets) + len(found.problems)
    targets = _without_standing(found, overwrite)
    check_writable(output)
    for folder in {target.parent for target in targets.values()}:
        remove_partials(folder)
    detector = load()
    print(f"network: {detector.engine.origin}")
    start, written = time.perf_counter(), list[Path]()
    go_on = f"of {len(targets)} files are written; go on with overwrite=skip"
    try:
        files = detect_files(detector, targets, draw, problems, written)
        in_order = list(tqdm(files, unit="picture", total=len(targets), disable=None))
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
    return in_order


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
