"""Videos: which files are videos, which kinds can be written, and the processing of frames.

Only `reader.py` and `writer.py` need PyAV (the extra `video`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from salient.arrays import Drawing, Map, Picture
from salient.data.decoding import is_animated
from salient.detection.cutout import Cutout
from salient.detection.detector import Detector
from salient.detection.modes import Mode
from salient.detection.road import limited
from salient.films.smoothing import Smoother

# Extensions of the videos that are read.
FILMS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
    *(".wmv", ".flv", ".ogv", ".3gp", ".mxf"),
)


class Container(NamedTuple):
    """How to write a kind of video, in FFmpeg's names."""

    format: str
    video: str
    options: dict[str, str]
    sound: str  # the codec if the original sound cannot be copied
    alpha: bool = False  # whether it is transparent


H264 = {"crf": "18", "preset": "fast"}
VP9 = {"crf": "24", "b": "0", "cpu-used": "5", "row-mt": "1", "auto-alt-ref": "0"}

# By the extension of the output.
CONTAINERS = {
    ".mp4": Container("mp4", "libx264", H264, "aac"),
    ".mov": Container("mov", "libx264", H264, "aac"),
    ".mkv": Container("matroska", "libx264", H264, "aac"),
    ".webm": Container("webm", "libvpx-vp9", VP9, "libopus"),
}
# The same for transparent videos.
TRANSPARENT = {
    ".webm": CONTAINERS[".webm"]._replace(alpha=True),
    ".mov": Container("mov", "prores_ks", {"profile": "4444"}, "aac", alpha=True),
}
# Formats of animations, by Pillow's names.
ANIMATIONS = {
    ".gif": Container("GIF", "", {}, "", alpha=True),
    ".webp": Container("WEBP", "", {}, "", alpha=True),
    ".png": Container("PNG", "", {}, "", alpha=True),
}
PROBE = (24, 32)  # height and width of the picture used to try a mode


class Frame(NamedTuple):
    """A frame as displayed.

    Attributes:
        picture: RGB uint8 H,W,3, upright, over white where it is transparent.
        number: 1 for the first.
        time: when it is shown, in the video's `time_base`; later than the frame before.
        duration: how long it is shown, 0 if unknown.
        own: the picture with the colours under transparency; None if nothing is transparent.
        alpha: uint8 H,W; None if nothing is transparent.
    """

    picture: Picture
    number: int
    time: int
    duration: int
    own: Picture | None = None
    alpha: Map | None = None


def make_frame(drawn: Drawing, number: int, time: int, duration: int) -> Frame:
    """A frame from a decoded picture, RGB uint8 H,W,3 or RGBA H,W,4."""
    if drawn.shape[2] == 3 or (drawn[..., 3] == 255).all():
        return Frame(np.ascontiguousarray(drawn[..., :3]), number, time, duration)
    own, alpha = np.ascontiguousarray(drawn[..., :3]), np.ascontiguousarray(drawn[..., 3])
    layer = Image.fromarray(np.ascontiguousarray(drawn))
    ground = Image.new("RGBA", layer.size, "white")
    picture = np.asarray(Image.alpha_composite(ground, layer).convert("RGB"))
    return Frame(picture, number, time, duration, own, alpha)


def draw_frame(draw: Mode, frame: Frame, saliency: Map, edge: Map | None) -> Drawing:
    """The output of a mode for a frame; a cut-out is at most as opaque as the frame."""
    if isinstance(draw, Cutout) and frame.own is not None:
        return draw(frame.own, saliency, edge, frame.alpha)
    return draw(frame.picture, saliency, edge)


def is_film(path: str | Path) -> bool:
    """Whether a path has the extension of a video and is not a folder."""
    return Path(path).suffix.lower() in FILMS and not Path(path).is_dir()


def find_film(given: str | Sequence[str], output: str | None = None) -> Path | None:
    """The film that an input names; None if it names pictures.

    An animated GIF, WebP or PNG is a film where `output` is a film or an animation.

    Raises:
        ValueError: a video together with something else.
        FileNotFoundError: no such video.
    """
    paths = [given] if isinstance(given, str) else list(given)
    films = [path for path in paths if is_film(path)]
    if not films:
        moving = Path(output or "").suffix.lower() in CONTAINERS | ANIMATIONS
        named = len(paths) == 1 and Path(paths[0]).suffix.lower() in ANIMATIONS
        if moving and named and not Path(str(output)).is_dir() and is_animated(paths[0]):
            return Path(paths[0])
        return None
    if len(paths) > 1:
        raise ValueError(f"input: {films[0]} is a video; give one video and nothing else")
    if not Path(films[0]).is_file():
        raise FileNotFoundError(f"input={films[0]}: no such video")
    return Path(films[0])


def container_for(output: str, film: Path, draw: Mode) -> Container | None:
    """The container for `output`; None for a folder of frames.

    Args:
        output: a file with an extension in `CONTAINERS`; or a folder: an existing one, a name
            without extension, or with a trailing slash.
        film: the video to read.
        draw: a value of `MODES`, or a `Cutout`.

    Raises:
        ValueError: another extension, the video itself, or frames that the container cannot hold.
    """
    path = Path(output)
    if path.is_dir() or output.endswith("/") or not path.suffix:
        return None
    animated = ANIMATIONS if film.suffix.lower() in ANIMATIONS else {}
    container = (CONTAINERS | animated).get(path.suffix.lower())
    if container is None:
        raise ValueError(
            f"output={output}: a video's name must end in {', '.join(CONTAINERS)}; for a folder of "
            "frames, end the name with a slash"
        )
    if path.exists() and path.samefile(film):
        raise ValueError(f"output={output} is the video itself; give another")
    shape = probe(draw).shape
    if shape[:2] != PROBE:
        raise ValueError(
            f"output={output}: all frames of a video have the same size; use cutout.crop=false, or "
            "a folder for the frames"
        )
    if shape[2:] != (4,) or container.alpha:
        return container
    if path.suffix.lower() not in TRANSPARENT:
        raise ValueError(
            f"output={output}: a {path.suffix} cannot be transparent; use a .webm, a .mov, a "
            "folder for the frames, or cutout.background=white"
        )
    return TRANSPARENT[path.suffix.lower()]


def default_output(film: Path, mode: str, draw: Mode) -> Path:
    """The default output: `NAME-map.mp4` in the working folder, or a webm if transparent."""
    ending = ".webm" if probe(draw).shape[2:] == (4,) else ".mp4"
    return Path(f"{film.stem}-{mode}{ending}")


def probe(draw: Mode) -> Drawing:
    """The output of a mode for a black picture of size `PROBE` with an object in the middle."""
    saliency = np.zeros(PROBE, np.uint8)
    saliency[8:16, 8:16] = 255
    return draw(np.zeros((*PROBE, 3), np.uint8), saliency, saliency)


def detect_frames(
    detector: Detector,
    frames: Iterable[Frame],
    draw: Mode,
    smoother: Smoother,
    write: Callable[[Drawing, Frame], object],
) -> Iterator[Frame]:
    """Draw and write each frame; yields the frames that are written.

    Only one batch is in memory at a time, for any length of the video.
    """
    for batch in limited(frames, detector.batch_size, lambda frame: frame.picture.nbytes):
        found = detector.detect([frame.picture for frame in batch])
        for frame, maps in zip(batch, found):
            saliency, *edge = smoother(frame.picture, *(one for one in maps if one is not None))
            write(draw_frame(draw, frame, saliency, edge[0] if edge else None), frame)
            yield frame
