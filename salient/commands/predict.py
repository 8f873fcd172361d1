"""Pictures in, saliency maps (or cut-outs, overlays, masks, boundaries) out, as PNGs.

salient predict photo.jpg output=maps              maps/photo.png; any number of paths
salient predict DIR                                a folder and those inside it
salient predict film.mp4 output=out.mp4            a film with its sound; a folder for frames
salient predict 'input=DIR/*.jpg' mode=cutout cutout.background=white cutout.crop=true
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field
from tqdm import tqdm

from salient.cli.build import build
from salient.cli.main import run
from salient.config import AnyPath, Count
from salient.data.pairs import first_few
from salient.detection.cutout import Cutout
from salient.detection.detector import Averaging, Detector
from salient.detection.folders import Inputs, detect_files, find_pictures
from salient.detection.load import EngineName
from salient.detection.modes import MODES
from salient.devices import Precision
from salient.files import check_writable, remove_partials
from salient.films.convert import Conversion
from salient.films.frames import CONTAINERS, find_film

T = TypeVar("T")


def predict(
    input: AnyPath | list[str] | None = None,
    output: AnyPath = "maps",
    checkpoint: AnyPath | None = None,
    mode: str = "map",
    cutout: dict[str, Any] | None = None,
    normalize: bool = False,
    overwrite: bool | Literal["skip"] = False,
    device: str = "auto",
    precision: Precision = "auto",
    engine: EngineName = "auto",
    batch_size: Count = 8,
    threads: Count | None = None,
    tta: Averaging | None = None,
    smooth: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> list[Path]:
    """Write a PNG under `output` for each picture of `input`; returns their paths.

    Of a film it is a film, or a PNG for each frame. What cannot be read or written is told at the
    end, in a SystemExit, when all else is done.

    Args:
        input: a picture, a folder or a pattern, or a list of these; or a film.
        output: the folder to write to; of a film also a .mp4, .mov, .mkv or .webm.
        checkpoint: a file; best (the default) or fast, the bundled weights; or last, the newest
            in checkpoints/.
        mode: map, cutout (RGBA, see cutout.*), overlay (heat), mask (0 and 255), edges (the
            boundary).
        cutout: how mode=cutout cuts out.
        normalize: stretch each map to 0..255 by its own minimum and maximum.
        overwrite: true replaces files that are there; skip leaves them and makes the others.
        device: the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: bf16 where PyTorch's device computes with it; or fp32, bf16, fp16.
        engine: or torch, or onnx: onnxruntime on a CPU, as auto where its file is at hand.
        batch_size: on a GPU.
        threads: of the processor; by default the cores that this process and its container may use.
        tta: or flip: averaged with the mirror image's map, in twice the time.
        smooth: of a film: how much of the map before stays where the picture does not change, 0..1.

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
    made = build(cutout, "cutout", Cutout) if cutout else Cutout()
    draw = (MODES | {"cutout": made})[mode]
    options = dict(batch_size=batch_size, normalize=normalize, tta=tta, threads=threads)
    load = partial(Detector.load, checkpoint, device, precision, engine, **options)
    film = find_film(input)
    if film is not None:
        return _predict_film(Conversion(film, output, draw, overwrite, smooth), output, load)
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
    detector, written = _loaded(load), list[Path]()
    files = detect_files(detector, targets, draw, problems, written)
    of_all = f"of {len(targets)} files are written; go on with overwrite=skip"
    in_order, rate = _work_through(
        files, "picture", len(targets), lambda: f"{len(written)} {of_all}"
    )
    print(
        f"mode={mode}: {len(written)} files in {output}, {rate:.1f} pictures a second by "
        f"{detector.engine.name}"
    )
    _end_with(problems, f"{len(problems)} of {count} pictures failed:")
    return in_order


def _predict_film(film: Conversion, output: str, load: Callable[[], Detector]) -> list[Path]:
    """The same of a film."""
    if film.standing and film.overwrite == "skip":
        print(film.already_there)
    if film.finished:
        return []
    with film:
        detector = _loaded(load)
        frames, rate = _work_through(
            film.frames(detector), "frame", film.expected, film.so_far, film.notes
        )
    print(
        f"{len(frames)} frames in {output}, {rate:.1f} frames a second by "
        f"{detector.engine.name}\n{film.smoother.report()}"
    )
    if film.older:
        print(f"{len(film.older)} frames of an older film are still there, from {film.older[0]} on")
    _end_with(film.problems, f"{len(film.problems)} faults of the film:")
    return film.written


def _loaded(load: Callable[[], Detector]) -> Detector:
    detector = load()
    print(f"network: {detector.engine.origin}")
    return detector


def _work_through(
    items: Iterable[T],
    unit: str,
    total: int | None,
    so_far: Callable[[], str],
    notes: Sequence[str] = (),
) -> tuple[list[T], float]:
    """All items, and how many a second; the bar shows how far it is, after the `notes`.

    Ctrl-C, and a disk that is full, end the process with a line that says what is there `so_far`.
    """
    start, done = time.perf_counter(), list[T]()
    try:
        with tqdm(unit=unit, total=total, disable=None) as bar:
            for item in items:
                if notes and not done:
                    bar.write("\n".join(notes), file=sys.stdout)
                done.append(item)
                bar.update()
    except KeyboardInterrupt:
        sys.exit(f"interrupted: {so_far()}")
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}; {so_far()}")
    return done, len(done) / (time.perf_counter() - start)


def _end_with(problems: Sequence[str], heading: str) -> None:
    if problems:
        sys.exit("\n".join([f"error: {heading}", *problems]))


def _without_standing(found: Inputs, overwrite: bool | Literal["skip"]) -> dict[Path, Path]:
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


if __name__ == "__main__":
    run("predict")
