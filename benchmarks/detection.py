"""Time detection with each engine, on an idle machine and next to a busy process, in one run.

    python -m benchmarks.detection [--checkpoint best fast] [--seconds 5] [--json FILE]

Each checkpoint and engine has a line and runs in its own process. Images per second:

- one: one picture after the other, from an array to its map, on all cores;
- many: a list of pictures, from arrays to maps;
- network: only the network, from squares to probabilities, one core per picture;
- files: `salient predict`, from JPEG files to PNG files, also in per cent of `network`;
- scored: `salient eval`, from JPEG files and masks to figures, also in per cent of `network`.

`ratio` is `many` compared with PyTorch's `one` in float32, the plain use of a network. `one busy`
and `many busy` repeat the measurement while another process keeps one core busy, in per cent of the
idle rate. `start` is the time from the start of Python to the first map, in seconds; `peak` is the
memory of the process in MB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.conditions import Line, busy_neighbour, peak_memory, show

ENGINES = {
    "PyTorch fp32": {"engine": "torch", "precision": "fp32"},
    "PyTorch auto": {"engine": "torch", "precision": "auto"},
    "onnxruntime": {"engine": "onnx"},
    "onnxruntime i8": {"engine": "int8"},
}
PLAIN = "PyTorch fp32"
HEADS = (
    *("one", "many", "ratio", "network", "files", "scored", "one busy", "many busy"),
    *("start", "peak"),
)
HEIGHT, WIDTH = 300, 400  # of the pictures, as in ECSSD


def rate(run: Callable[[], object], images: int, seconds: float) -> float:
    """Images per second, without the first run, which allocates memory."""
    run()
    start, runs = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        run()
        runs += 1
    return images * runs / (time.perf_counter() - start)


def measure(checkpoint: str, engine: str, seconds: float, began: float) -> dict[str, float]:
    """Measure all columns of a line, in this process."""
    import numpy as np
    from PIL import Image

    from salient import Detector
    from salient.data.pairs import Pair
    from salient.detection.folders import detect_files
    from salient.detection.modes import saliency_map
    from salient.detection.outputs import Output
    from salient.detection.road import threads_of
    from salient.devices import in_parallel

    rng = np.random.default_rng(0)
    blobs = rng.integers(0, 256, (16, 6, 8, 3), np.uint8)
    pictures = [np.asarray(Image.fromarray(x).resize((WIDTH, HEIGHT))) for x in blobs]
    detector = Detector.load(checkpoint, **ENGINES[engine])  # type: ignore[arg-type]
    detector(pictures[0])
    found = {"start": time.time() - began}
    size, batch = detector.engine.size, detector.run_size
    squares = rng.integers(0, 256, (batch, size, size, 3), np.uint8)

    threads = threads_of(detector.engine)
    runs = 2 * threads

    def network() -> None:
        list(in_parallel(lambda x: detector.engine.run(x, threads=1), [squares] * runs, threads))

    def rates() -> Iterator[tuple[str, float]]:
        yield "one", rate(lambda: detector(pictures[0]), 1, seconds)
        yield "many", rate(lambda: detector([*pictures]), len(pictures), seconds)

    found |= dict(rates())
    found["network"] = rate(network, runs * batch, seconds)
    with TemporaryDirectory() as folder:
        targets, pairs = {}, []
        for index, picture in enumerate(pictures):
            file, mask = Path(folder) / f"{index}.jpg", Path(folder) / f"{index}.png"
            Image.fromarray(picture).save(file, quality=90)
            Image.fromarray(np.where(picture[..., 0] > 128, 255, 0).astype(np.uint8)).save(mask)
            targets[file] = Path(folder) / "maps" / mask.name
            pairs.append(Pair(mask.stem, file, mask))
        write = lambda: list(detect_files(detector, targets, saliency_map, Output()))  # noqa: E731
        found["files"] = rate(write, len(pictures), seconds)
        found["peak"] = peak_memory()
        from salient.scoring.score import score_predictions
        from salient.scoring.sources import from_network

        score = lambda: list(score_predictions(from_network(detector.engine, pairs)))  # noqa: E731
        found["scored"] = rate(score, len(pairs), seconds)
    with busy_neighbour():
        found |= {f"{key} busy": value for key, value in rates()}
    return found


def in_own_process(checkpoint: str, engine: str, seconds: float) -> dict[str, Any]:
    """Run `measure` in a fresh process."""
    arguments = [checkpoint, engine, str(seconds), str(time.time())]
    command = [sys.executable, "-m", "benchmarks.detection", "--measure", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"checkpoint": checkpoint, "engine": engine, **found}


def table(checkpoints: list[str], seconds: float) -> Iterator[Line]:
    """The table, line by line as it is measured, and each line's values."""
    widths = {head: max(8, len(head)) for head in HEADS}
    yield f"{'':<28}" + "".join(f"  {head:>{width}}" for head, width in widths.items()), {}
    for checkpoint in checkpoints:
        plain = 0.0
        for engine in ENGINES:
            found = in_own_process(checkpoint, engine, seconds)
            plain = found["one"] if engine == PLAIN else plain
            found["ratio"] = found["many"] / plain
            shown = {h: f"{found[h]:.1f}" for h in ("one", "many", "network", "start")}
            shown |= {"ratio": f"{found['ratio']:.1f}x", "peak": f"{found['peak']:.0f}"}
            for key in ("files", "scored"):
                shown[key] = f"{found[key]:.1f} {found[key] / found['network']:.0%}"
            for key in ("one", "many"):
                shown[f"{key} busy"] = f"{found[f'{key} busy'] / found[key]:.0%}"
            line = "".join(f"  {shown[head]:>{width}}" for head, width in widths.items())
            yield f"{Path(checkpoint).name:<14}{engine:<14}" + line, found


def main() -> None:
    """Run the benchmark."""
    if sys.argv[1:2] == ["--measure"]:
        checkpoint, engine, seconds, began = sys.argv[2:]
        print(json.dumps(measure(checkpoint, engine, float(seconds), float(began))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", nargs="+", default=["best", "fast"])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", help="where all values are kept")
    options = parser.parse_args()
    show(table(options.checkpoint, options.seconds), options.json)


if __name__ == "__main__":
    main()
