"""Make saliency maps (or cut-outs, overlays, masks, boundaries) of pictures or of a video.

salient predict photo.jpg output=map.png           one file; - is the standard input or output
salient predict photo.jpg output=maps              maps/photo.png; any number of paths
salient predict DIR                                a folder and its subfolders
salient predict clip.mp4 output=out.mp4            a video with its sound; a folder for frames
salient predict DIR shard=3/16 manifest=3.jsonl    one of 16 processes; overwrite=skip continues
salient predict 'input=DIR/*.jpg' mode=cutout cutout.background=white cutout.crop=true
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from salient.cli.build import build
from salient.cli.main import run
from salient.cli.pictures import PictureRun, load_detector
from salient.cli.progress import end_with, pipe_through, work_through
from salient.config import AnyPath, Count
from salient.data.encoding import Format
from salient.detection.cutout import Cutout
from salient.detection.detector import Averaging, Detector, Refinement
from salient.detection.listing import find_pictures
from salient.detection.load import EngineName
from salient.detection.manifest import Twins, check_manifest, start_manifest
from salient.detection.modes import MODES
from salient.detection.outputs import Empty, Output, check_drawable
from salient.detection.providers import Providers
from salient.detection.shards import WHOLE, read_shard
from salient.detection.watching import changes, stamps
from salient.devices import Precision
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
    providers: Providers | None = None,
    batch_size: Count = 8,
    threads: Count | None = None,
    tta: Averaging | None = None,
    refine: Refinement | None = None,
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
            video a .mp4, .mov, .mkv or .webm, by default NAME-map.mp4, or a folder for its frames.
        format: png, webp or jpg; by default from the extension of output, else png.
        quality: 1..100, for WebP and JPEG; 100 makes a WebP lossless.
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
        device: auto is the GPU if there is one; or cpu, cuda, cuda:1, mps.
        precision: with PyTorch, auto is bf16 where supported; or fp32, bf16, fp16.
        engine: auto is onnx on a CPU with an ONNX file, else torch; or int8, fastest.
        providers: of onnxruntime, such as cuda, [tensorrt,cuda] or {openvino: {device_type: GPU}};
            also coreml, directml.
        batch_size: pictures per batch on a GPU.
        threads: processor threads; by default one per core that the process may use.
        tta: flip averages each map with the map of the mirror image, in twice the time.
        refine: guided moves the border of each map to the edges of the picture.
        smooth: for a video: how much of the previous map to keep where nothing moves, 0..1.
        shard: a part of the pictures, such as 3/16, by a hash of their names; auto in a SLURM
            array.
        manifest: a .jsonl file with a line for each finished picture; see salient manifest.
        twins: with a manifest, what to do with equal pictures: copy, link, again.
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
    options: dict[str, Any] = dict(batch_size=batch_size, normalize=normalize, tta=tta)
    options |= dict(threads=threads, refine=refine)
    load = partial(Detector.load, checkpoint, device, precision, engine, providers, **options)
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
        raise ValueError(f"output={output}: pictures cannot be written as a video; give a folder")
    if smooth:
        raise ValueError("smooth: only for videos; use smooth=0")
    out = Output(output, format, quality, place, empty)
    check_drawable(out, draw)
    if watch:
        _check_watchable(input, out, bool(shard or manifest))
    keep = None
    part = read_shard(shard) if shard else WHOLE
    if manifest:
        check_manifest(manifest, out)
        more = dict(mode=mode, normalize=normalize, tta=tta, white=white)
        more |= {"cutout": cutout} if mode == "cutout" else {}
        more |= {"refine": refine} if refine else {}
        keep = partial(start_manifest, manifest, out, more, part, twins, overwrite)
    with redirect_stdout(sys.stderr) if out.to_stream else nullcontext():
        look = partial(find_pictures, input, out, part)
        pictures = PictureRun(out, draw, overwrite, summary, white)
        with suppress(FileNotFoundError) if watch else nullcontext():  # pictures may come later
            pictures.found = look()
        later = partial(changes, look, stamps(pictures.found.targets))
        pictures.detect(load, mode, keep)
        if watch:
            pictures.watch(later)
        return pictures.end()


def _check_watchable(given: str | list[str], out: Output, divided: bool) -> None:
    folders = [Path(one).is_dir() for one in ([given] if isinstance(given, str) else given)]
    if out.to_stream or out.file or divided or not all(folders):
        raise ValueError("watch: needs folders as input and output, and no shard or manifest")


def _predict_film(film: Conversion, output: str, load: Callable[[], Detector]) -> list[Path]:
    """Make a video, or its frames, of a video."""
    if film.existing and film.overwrite == "skip":
        print(film.already_there)
    if film.finished:
        return []
    with film:
        detector = load_detector(load)
        frames, rate = work_through(
            film.frames(detector), "frame", film.expected, film.so_far, film.notes
        )
    print(
        f"{frames} frames in {output}, {rate:.1f} frames a second by "
        f"{detector.engine.name}\n{film.smoother.report()}"
    )
    if film.older:
        print(
            f"{len(film.older)} frames of an older video are still there, from {film.older[0]} on"
        )
    end_with(film.problems, f"{len(film.problems)} faults of the video:")
    return film.written


if __name__ == "__main__":
    run("predict")
