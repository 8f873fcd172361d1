"""Make saliency maps (or cut-outs, overlays, masks, boundaries) of pictures or of a video.

salient predict photo.jpg output=map.png           one file; - is the standard input or output
salient predict photo.jpg output=maps              maps/photo.png; any number of paths
salient predict DIR                                a folder and its subfolders
salient predict film.mp4 output=out.mp4            a video with its sound; a folder for frames
salient predict DIR shard=3/16 manifest=3.jsonl    one of 16 processes; overwrite=skip continues
salient predict 'input=DIR/*.jpg' mode=cutout cutout.background=white cutout.crop=true
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from salient.cli.build import build
from salient.cli.main import run
from salient.cli.progress import end_with, pipe_through, without_standing, work_through
from salient.config import AnyPath, Count
from salient.data.encoding import Format
from salient.detection.cutout import Cutout
from salient.detection.detector import Averaging, Detector
from salient.detection.folders import detect_files
from salient.detection.listing import Inputs, find_pictures
from salient.detection.load import EngineName
from salient.detection.manifest import Manifest, Twins, check_manifest, start_manifest
from salient.detection.modes import MODES, Mode
from salient.detection.outputs import Empty, Output, check_drawable
from salient.detection.shards import WHOLE, read_shard
from salient.detection.summary import start_summary, write_summary
from salient.detection.tally import Tally
from salient.detection.watching import changes, stamps
from salient.devices import Precision
from salient.files import check_writable, remove_partials
from salient.films.convert import Conversion, Overwrite
from salient.films.frames import CONTAINERS, default_output, find_film
from salient.films.raw import PixelFormat, RawPipe, Size


def predict(
    input: AnyPath | list[str] | None = None,
    output: AnyPath | None = None,
    format: Format | None = None,
    quality: Annotated[int, Field(ge=1, le=100)] | None = None,
    place: bool = False,
    empty: Empty = "write",
    summary: AnyPath | None = None,
    checkpoint: AnyPath | None = None,
    mode: str = "map",
    cutout: dict[str, Any] | None = None,
    normalize: bool = False,
    overwrite: Overwrite = False,
    device: str = "auto",
    precision: Precision = "auto",
    engine: EngineName = "auto",
    batch_size: Count = 8,
    threads: Count | None = None,
    tta: Averaging | None = None,
    smooth: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    shard: AnyPath | None = None,
    manifest: AnyPath | None = None,
    twins: Twins = "copy",
    white: Annotated[float, Field(gt=0)] | None = None,
    watch: bool = False,
    pixel_format: PixelFormat | None = None,
    size: Size | None = None,
) -> list[Path]:
    """Write an output for each picture of `input`; returns the files that were written.

    A video becomes a video, or one PNG per frame. Files that cannot be read or written are reported
    at the end, in a SystemExit, after all others are done.

    Args:
        input: a picture, a folder, a pattern, or a list of these; - for the standard input; or a
            video.
        output: a folder, by default maps; a .png, .webp or .jpg; - for the standard output; for a
            video a .mp4, .mov, .mkv or .webm, by default film-map.mp4, or a folder for its frames.
        format: png, webp or jpg; by default from the extension of output, else png.
        quality: of WebP and JPEG, 1..100; 100 is a lossless WebP.
        place: keep the GPS position in the EXIF data of cut-outs.
        empty: write, skip or fail: what to do with pictures in which nothing stands out.
        summary: a .csv or .jsonl file with a row for each picture.
        checkpoint: a file or folder; best (the default) or fast, the bundled weights; last, the
            newest in checkpoints/; or a hub's id, owner/name.
        mode: map, cutout (RGBA, see cutout.*), overlay (heat map), mask (0 and 255), edges (the
            boundary).
        cutout: options of mode=cutout.
        normalize: stretch each map to 0..255 by its own minimum and maximum.
        overwrite: true replaces existing files; skip keeps them and makes the others; with a
            manifest, skip compares content and options.
        device: the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: bf16 if PyTorch's device computes in it; or fp32, bf16, fp16.
        engine: or torch, onnx (a CPU in float32, as auto where the file is at hand), int8, fastest.
        batch_size: on a GPU.
        threads: of the processor; by default one per core that the process may use.
        tta: flip averages each map with the map of the mirror image, in twice the time.
        smooth: for a video: how much of the previous map to keep where nothing moves, 0..1.
        shard: a part of the pictures, such as 3/16, by a hash of their names; auto in a SLURM
            array.
        manifest: a .jsonl file with a line for each finished picture; see salient manifest.
        twins: with a manifest, for pictures with the same content: copy or link the one output, or
            detect again.
        white: the value of white in grey pictures of more than 8 bits, such as 4095.
        watch: also process pictures that are added to the folder or changed, until Ctrl-C.
        pixel_format: for raw frames, input=- output=-: rgb24, bgr24, rgba, bgra or gray.
        size: for raw frames: WIDTHxHEIGHT.

    Raises:
        ValueError: no input, an unknown mode, existing files, or an `output` that does not suit the
            input.
        FileNotFoundError: there are no pictures.
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
    if pixel_format or size:
        return pipe_through(RawPipe(input, output, pixel_format, size, draw), smooth, load)
    film = find_film(input, output)
    if film is not None:
        if format or quality or summary or empty != "write" or shard or manifest or watch:
            raise ValueError(
                f"input={film}: format, quality, empty, summary, shard, manifest, watch are for "
                "pictures"
            )
        output = output or str(default_output(film, mode, draw))
        return _predict_film(Conversion(film, output, draw, overwrite, smooth), output, load)
    if output and Path(output).suffix.lower() in CONTAINERS and not Path(output).is_dir():
        raise ValueError(f"output={output}: a film is made of a film; give a folder")
    if smooth:
        raise ValueError("smooth: is for a film; smooth=0")
    out = Output(output, format, quality, place, empty)
    check_drawable(out, draw)
    folders = [Path(one).is_dir() for one in ([input] if isinstance(input, str) else input)]
    if watch and (out.to_stream or out.file or shard or manifest or not all(folders)):
        raise ValueError("watch: needs folders as input and output, and no shard or manifest")
    with redirect_stdout(sys.stderr) if out.to_stream else nullcontext():
        part = read_shard(shard) if shard else WHOLE
        look = partial(find_pictures, input, out, part)
        found = Inputs({}, [], [], [])
        with suppress(FileNotFoundError) if watch else nullcontext():  # what comes is waited for
            found = look()
        keep = None
        if manifest:
            check_manifest(manifest, out)
            more = dict(mode=mode, normalize=normalize, tta=tta, white=white)
            more |= {"cutout": cutout} if mode == "cutout" else {}
            keep = partial(start_manifest, manifest, out, more, part, twins, overwrite)
        again = partial(changes, look, stamps(found.targets)) if watch else None
        return _predict_pictures(
            found, out, draw, overwrite, summary, load, mode, white, keep, again
        )


def _predict_pictures(
    found: Inputs,
    out: Output,
    draw: Mode,
    overwrite: Overwrite,
    summary: str | None,
    load: Callable[[], Detector],
    mode: str,
    white: float | None,
    keep: Callable[[Detector, dict[Path, Path]], Manifest] | None,
    again: Callable[[], Iterator[dict[Path, Path]]] | None,
) -> list[Path]:
    count = len(found.targets) + len(found.problems)
    rows = None if summary is None else start_summary(summary, overwrite)
    targets = without_standing(found, overwrite, keep is not None)
    if not out.to_stream:
        check_writable(out.folder)
    for folder in {target.parent for target in targets.values()}:
        remove_partials(folder)
    detector, written, tally = _loaded(load), list[Path](), Tally(rows)
    manifest = keep(detector, targets) if keep else None
    opened = manifest.open if manifest else None
    files = detect_files(detector, targets, draw, out, written, white, opened)
    of_all = f"of {len(targets)} files are written; go on with overwrite=skip"
    try:
        _, rate = work_through(
            tally.counted(manifest.recorded(files) if manifest else files),
            "picture",
            len(targets),
            lambda: f"{len(written)} {of_all}",
        )
    finally:
        if manifest is not None:
            manifest.close()
        if summary is not None and rows is not None:
            write_summary(summary, rows.values())
    where = out.file or ("the standard output" if out.to_stream else out.folder)
    speed = f", {rate:.1f} pictures a second" if tally.targets else ""
    print(f"mode={mode}: {tally.files} in {where}{speed} by {detector.engine.name}")
    if tally.kept:
        print(f"{tally.kept} of {len(targets)} pictures are in the manifest already and stay")
    for line in tally.remarks(out.empty):
        print(line)
    if again is not None:
        print("watching for more pictures; Ctrl-C ends it", flush=True)
        with suppress(KeyboardInterrupt):
            for more in again():
                for one in tally.counted(detect_files(detector, more, draw, out, written, white)):
                    what = one.error or one.target or "nothing stands out"
                    print(f"{one.source}: {what}", flush=True)
                count += len(more)
                if summary is not None and rows is not None:
                    write_summary(summary, rows.values())
    problems = found.problems + tally.problems
    end_with(problems, f"{len(problems)} of {count} pictures failed:")
    return tally.targets


def _predict_film(film: Conversion, output: str, load: Callable[[], Detector]) -> list[Path]:
    """The same of a film."""
    if film.standing and film.overwrite == "skip":
        print(film.already_there)
    if film.finished:
        return []
    with film:
        detector = _loaded(load)
        frames, rate = work_through(
            film.frames(detector), "frame", film.expected, film.so_far, film.notes
        )
    print(
        f"{frames} frames in {output}, {rate:.1f} frames a second by "
        f"{detector.engine.name}\n{film.smoother.report()}"
    )
    if film.older:
        print(f"{len(film.older)} frames of an older film are still there, from {film.older[0]} on")
    end_with(film.problems, f"{len(film.problems)} faults of the film:")
    return film.written


def _loaded(load: Callable[[], Detector]) -> Detector:
    detector = load()
    print(f"network: {detector.engine.origin}")
    return detector


if __name__ == "__main__":
    run("predict")
