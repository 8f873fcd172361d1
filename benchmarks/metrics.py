"""Compare the speed of the metrics with PySODMetrics, on the same maps in the same run.

    python -m benchmarks.metrics [--pairs N] [--size HxW] [--memory-pairs N]
        [--maps DIR --masks DIR] [--json FILE]

Prints the pairs per second of both, their ratio and the largest difference between their figures
(MAE, S, weighted F, adaptive F and E, and the curves of precision, recall, F and E):

- on one thread, in processor time;
- from PNG files, in wall-clock time, ours on two cores;
- ours from PNG files again, while another process keeps a core busy.

Then come the growth of the peak memory over 5000 pairs, and a line for each family of figures, on
10 drawn pairs or on the maps of a folder, also with the largest difference on hard cases (empty,
full, one pixel, 1 x N, constant). The drawn masks are blobs; the drawn predictions are blurred and
uneven, like those of a network. PySODMetrics runs as its users run it: one `step` for each metric
and pair.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import families
from benchmarks.conditions import Line, busy_neighbour, peak_memory, show
from benchmarks.pysodmetrics import draw_pair, reference_scores
from salient.data.pairs import Pair
from salient.metrics import ExactSums, PairScores, score_pair
from salient.metrics.measured import Bytes, Floats
from salient.scoring.score import score_predictions
from salient.scoring.sources import from_files

Size = tuple[int, int]
CORES = 2


def largest_difference(
    ours: PairScores, theirs: tuple[dict[str, float], dict[str, Floats]]
) -> float:
    """The largest difference of any figure, without S where the reference gives NaN."""
    figures, curves = theirs
    pairs: list[tuple[Any, Any]] = [(ours.figures[key], value) for key, value in figures.items()]
    pairs += [(ours.curves[name], curve) for name, curve in curves.items()]
    return float(np.nanmax(np.concatenate([np.abs(np.subtract(a, b)).ravel() for a, b in pairs])))


def time_one_thread(pairs: list[tuple[Bytes, Bytes]]) -> tuple[float, float, float]:
    """(our seconds, their seconds, largest difference): the best of two rounds."""
    ours, theirs = [], []
    for _ in range(2):
        start = time.thread_time()
        scores = [score_pair(prediction, mask) for prediction, mask in pairs]
        middle = time.thread_time()
        references = [reference_scores(prediction, mask) for prediction, mask in pairs]
        theirs.append(time.thread_time() - middle)
        ours.append(middle - start)
    return min(ours), min(theirs), max(map(largest_difference, scores, references))


def score_files(files: list[tuple[Path, Path]]) -> Iterator[PairScores]:
    """Score saved predictions against their masks on CORES threads."""
    pairs = [Pair(mask.stem, mask, mask) for _, mask in files]
    predictions = from_files([prediction for prediction, _ in files], pairs)
    return (scores for _, scores in score_predictions(predictions, workers=CORES))


def time_files(files: list[tuple[Path, Path]]) -> tuple[float, float, float]:
    """(our seconds on CORES threads, their seconds, largest difference) with decoding."""
    start = time.perf_counter()
    ours = list(score_files(files))
    middle = time.perf_counter()
    theirs = [reference_scores(grey(prediction), grey(mask)) for prediction, mask in files]
    end = time.perf_counter()
    difference = max(map(largest_difference, ours, theirs))
    return middle - start, end - middle, difference


def grey(path: Path) -> Bytes:
    """Decode a PNG as PySODMetrics' examples do."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def memory_growth(files: list[tuple[Path, Path]], count: int) -> float:
    """The growth of the peak memory in MiB while `count` pairs are scored and summed."""
    sums = ExactSums()
    for scores in score_files(files):
        sums.add(scores)
    before = peak_memory()
    again = [files[k % len(files)] for k in range(count)]
    for scores in score_files(again):
        sums.add(scores)
    return peak_memory() - before


def rows(
    sizes: list[Size], count: int, memory_pairs: int, real: list[tuple[Bytes, Bytes]]
) -> Iterator[Line]:
    """The table, line by line as it is measured."""
    heads = f"{'salient':>9}{'PySODMetrics':>14}{'ratio':>8}  difference"
    yield f"{'pairs per second':<40}{heads}", {}
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    for size in sizes:
        pairs = [
            draw_pair(rng, size) for _ in range(max(3, count * 300 * 400 // (size[0] * size[1])))
        ]
        time_one_thread(pairs[:1])  # compiles
        yield row(f"one thread, {size[1]}x{size[0]}", len(pairs), time_one_thread(pairs))
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for k in range(count):
            files.append((Path(folder, f"{k}.png"), Path(folder, f"{k}-mask.png")))
            for path, image in zip(files[-1], draw_pair(rng, sizes[0]), strict=True):
                cv2.imwrite(str(path), image)
        label = f"from PNG files, {CORES} threads, {sizes[0][1]}x{sizes[0][0]}"
        line, idle = row(label, count, time_files(files))
        yield line, idle
        with busy_neighbour():
            start = time.perf_counter()
            list(score_files(files))
            rate = count / (time.perf_counter() - start)
        share = rate / idle["salient"]
        label = "the same with a busy neighbour"
        yield (
            f"{label:<40}{rate:>9.1f}  {share:.0%} of the idle rate",
            {"what": label, "salient": rate},
        )
        growth = memory_growth(files, memory_pairs)
        line = f"peak memory over {memory_pairs} pairs: +{growth:.1f} of {peak_memory():.0f} MiB"
        yield line, {"what": "peak memory", "growth": growth, "peak": peak_memory()}
    yield from families.rows(real or [draw_pair(rng, sizes[0]) for _ in range(10)])


def row(label: str, count: int, measured: tuple[float, float, float]) -> Line:
    """One line: pairs per second of both, the ratio and the largest difference."""
    ours, theirs, difference = measured
    speeds = f"{count / ours:>9.1f}{count / theirs:>14.1f}{theirs / ours:>7.1f}x"
    values = {"what": label, "salient": count / ours, "PySODMetrics": count / theirs}
    values |= {"ratio": theirs / ours, "difference": difference}
    return f"{label:<40}{speeds}  {difference:.1e}", values


def parse_size(text: str) -> Size:
    """(H, W) of a text like 300x400; argparse reports the ValueError of any other."""
    height, width = (int(part) for part in text.lower().split("x"))
    if min(height, width) < 1:
        raise ValueError(text)
    return height, width


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Time the metrics against PySODMetrics.")
    parser.add_argument("--pairs", type=int, default=200, help="pairs of 300x400 (fewer of larger)")
    parser.add_argument("--size", type=parse_size, help="HxW; default 300x400 and 1024x1024")
    parser.add_argument("--memory-pairs", type=int, default=5000, help="pairs of the memory test")
    parser.add_argument("--maps", type=Path, help="saved maps, instead of the drawn ones")
    parser.add_argument("--masks", type=Path, help="their masks, of the same names")
    parser.add_argument("--json", help="where all values are kept")
    options = parser.parse_args()
    if options.pairs < 1 or options.memory_pairs < 1:
        parser.error("--pairs and --memory-pairs take 1 or more")
    try:
        import py_sod_metrics  # noqa: F401
    except ModuleNotFoundError:
        sys.exit(
            "The comparison needs PySODMetrics: "
            "pip install --no-deps -r tests/oracle/requirements.lock"
        )
    sizes = [options.size] if options.size else [(300, 400), (1024, 1024)]
    real = list(families.real_pairs(options.maps, options.masks)) if options.maps else []
    show(rows(sizes, options.pairs, options.memory_pairs, real), options.json)


if __name__ == "__main__":
    main()
