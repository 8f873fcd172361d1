"""How detection grows with processes: pictures a second, and a model of what it costs.

    python -m benchmarks.scale [--pictures 2000] [--processes 1 2 4] [--checkpoint fast]
                               [--json FILE]

Each row is `salient predict` over shards, a process and a thread each, from JPEG files to PNG
files: the rate of all processes together from the first to the last picture. The model is
`seconds = pictures * (detect / min(processes, cores) + serial)`: `detect` is what a core takes for
a picture from file to file, `serial` what no further process makes shorter. The last rows are the
processor time of the parts of a picture, on one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.conditions import Line, show
from salient.devices import cores

SIZES = {"small": (300, 400), "large": (1200, 1600)}


def draw_pictures(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Write JPEGs of smooth noise."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    height, width = size
    for index in range(count):
        blob = rng.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(blob).resize((width, height)).save(folder / f"{index}.jpg", quality=90)


def rate_of(pictures: Path, count: int, processes: int, checkpoint: str, output: Path) -> float:
    """Pictures a second of several processes, from the first line of a manifest to the last."""
    commands = [
        [
            *(sys.executable, "-m", "salient", "predict", str(pictures), f"output={output}"),
            *(f"shard={n}/{processes}", f"manifest={output}/{n}.jsonl", "threads=1", "device=cpu"),
            *(f"checkpoint={checkpoint}", "twins=again"),
        ]
        for n in range(1, processes + 1)
    ]
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen(one, stdout=quiet, stderr=quiet) for one in commands]
    manifests = [output / f"{n}.jsonl" for n in range(1, processes + 1)]
    while not all(path.exists() and path.read_bytes().count(b"\n") > 1 for path in manifests):
        if any(one.poll() for one in running):
            raise SystemExit("a process of `salient predict` failed")
        time.sleep(0.02)
    begun = sum(path.read_bytes().count(b"\n") - 1 for path in manifests)
    start = time.perf_counter()
    ends = [one.wait() for one in running]
    if any(ends):
        raise SystemExit("a process of `salient predict` failed")
    return (count - begun) / (time.perf_counter() - start)


def fit(rates: Sequence[tuple[int, float]], most: int) -> tuple[float, float]:
    """`detect` and `serial` in seconds, from (processes, rate): least squares, neither below 0."""
    rows = np.array([[1 / min(processes, most), 1.0] for processes, _ in rates])
    seconds = np.array([1 / rate for _, rate in rates])
    best = np.linalg.lstsq(rows, seconds, rcond=None)[0]
    if best.min() < 0:  # then one of them alone fits best
        scales = (rows.T @ seconds) / (rows**2).sum(0)
        errors = ((rows * scales - seconds[:, None]) ** 2).sum(0)
        best = np.where(errors == errors.min(), scales, 0)
    return float(best[0]), float(best[1])


def parts(file: Path, checkpoint: str) -> dict[str, float]:
    """Milliseconds of processor time for each part of a picture's way: the least of some runs."""
    from salient import Detector
    from salient.data.encoding import encode_png
    from salient.data.images import read_image
    from salient.data.transforms import squash
    from salient.files import write_whole

    detector = Detector.load(checkpoint, "cpu", threads=1)
    engine, content = detector.engine, file.read_bytes()
    picture = read_image(content)
    square = squash(picture, engine.size, engine.resize)[None]
    saliency = np.asarray(detector(picture))
    encoded = encode_png(saliency)
    steps: dict[str, Callable[[], object]] = {
        "read": file.read_bytes,
        "decode": lambda: read_image(content),
        "network": lambda: engine.run(square, 1),
        "encode": lambda: encode_png(saliency),
        "write": lambda: write_whole(file.with_suffix(".tmp"), encoded, durable=False),
    }
    return {name: 1000 * min(map(_seconds, [step] * 7)) for name, step in steps.items()}


def _seconds(step: Callable[[], object]) -> float:
    start = time.process_time()
    step()
    return time.process_time() - start


def table(count: int, processes: Sequence[int], checkpoint: str) -> Iterator[Line]:
    """The rows, as they are measured."""
    with TemporaryDirectory() as folder:
        root, rates = Path(folder), list[tuple[int, float]]()
        draw_pictures(root / "small", count, SIZES["small"])
        for number in processes:
            output = root / f"maps{number}"
            rate = rate_of(root / "small", count, number, checkpoint, output)
            rates.append((number, rate))
            yield (
                f"{number} processes: {rate:7.1f} pictures a second",
                {
                    "processes": number,
                    "rate": rate,
                },
            )
        detect, serial = fit(rates, cores())
        text = f"model: {1000 * detect:.1f} ms / workers + {1000 * serial:.1f} ms a picture"
        yield text, {"detect": detect, "serial": serial}
        draw_pictures(root / "large", 1, SIZES["large"])
        for name, (height, width) in SIZES.items():
            found: dict[str, Any] = parts(root / name / "0.jpg", checkpoint)
            line = ", ".join(f"{part} {value:.1f} ms" for part, value in found.items())
            yield f"{width} x {height}: {line}", {"size": [width, height], **found}


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--checkpoint", default="fast")
    parser.add_argument("--json")
    given = parser.parse_args()
    show(table(given.pictures, given.processes, given.checkpoint), given.json)


if __name__ == "__main__":
    main()
