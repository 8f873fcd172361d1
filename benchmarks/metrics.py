"""Time the metrics against PySODMetrics, on the same maps in the same run.

    python -m salient.benchmark_metrics [--pairs N] [--size HxW] [--memory-pairs N]

Prints the pairs per second of both, their ratio and the largest difference between their figures
(MAE, S, weighted F, adaptive F and E, the curves of precision, recall, F and E): for one thread, by
its processor time, and for the whole path from PNG files, by the clock, ours on two cores. Then the
growth of the peak memory over 5000 pairs. The maps are drawn: blobs, and predictions that are
blurred and uneven, as a network saves them. PySODMetrics runs as its users run it: one `step` for
each metric and pair.
"""

import argparse
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from salient.metrics import PairScores, SaliencyMetrics, score_files, score_pair
from salient.metrics.counted import Bytes

Size = tuple[int, int]
MIB = 2**20
CORES = 2


def draw_pair(rng: np.random.Generator, size: Size) -> tuple[Bytes, Bytes]:
    """Draw a (prediction, mask), uint8 H x W each: one to three blobs, found with blurred edges.

    The prediction errs as networks do: soft boundaries, an uneven inside, faint false alarms.
    """
    height, width = size
    mask = np.zeros(size, dtype=np.uint8)
    for _ in range(rng.integers(1, 4)):
        centre = (int(width * rng.uniform(0.2, 0.8)), int(height * rng.uniform(0.2, 0.8)))
        axes = (int(width * rng.uniform(0.08, 0.25)), int(height * rng.uniform(0.08, 0.25)))
        cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, (255,), -1)
    blur = min(size) / 50
    noise = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), 2 * blur)
    noise = noise / noise.std()
    soft = cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32)
    saliency = soft * (1 - 0.05 * np.abs(noise)) + 20 * np.maximum(noise - 1, 0)
    return np.rint(saliency).clip(0, 255).astype(np.uint8), mask


def reference_scores(prediction: Bytes, mask: Bytes, *, normalize: bool = True) -> PairScores:
    """Score one pair with PySODMetrics; S is NaN where it gives NaN.

    Args:
        prediction: uint8 H x W.
        mask: uint8 H x W.
        normalize: PySODMetrics' own; see `count_pair`.

    Raises:
        ModuleNotFoundError: PySODMetrics is not installed.
    """
    import py_sod_metrics as sod

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one deprecation, and the divisions that give NaN
        mae, sm, fm, em = sod.MAE(), sod.Smeasure(), sod.Fmeasure(), sod.Emeasure()
        wfm = sod.WeightedFmeasure()
        given = (prediction, mask) if normalize else (prediction / 255, mask > 128)
        for metric in (mae, sm, fm, em, wfm):
            metric.step(*given, normalize=normalize)
    return PairScores(
        mae=float(mae.maes[0]),
        sm=float(sm.sms[0]),
        weighted_f=float(wfm.weighted_fms[0]),
        adaptive_f=float(fm.adaptive_fms[0]),
        adaptive_e=float(em.adaptive_ems[0]),
        precision=fm.precisions[0][::-1],  # by falling threshold there, by rising threshold here
        recall=fm.recalls[0][::-1],
        f=fm.changeable_fms[0][::-1],
        e=em.changeable_ems[0][::-1],
    )


def largest_difference(ours: PairScores, theirs: PairScores) -> float:
    """Return the largest difference of any figure; not of S where the reference gives NaN."""
    figures = len(PairScores._fields) - 1  # all but `resized`
    pairs = zip(ours[:figures], theirs[:figures], strict=True)
    return float(np.nanmax(np.concatenate([np.abs(np.subtract(a, b)).ravel() for a, b in pairs])))


def time_one_thread(pairs: list[tuple[Bytes, Bytes]]) -> tuple[float, float, float]:
    """Return (our seconds, their seconds, largest difference): the best of two rounds."""
    ours, theirs = [], []
    for _ in range(2):
        start = time.thread_time()
        scores = [score_pair(prediction, mask) for prediction, mask in pairs]
        middle = time.thread_time()
        references = [reference_scores(prediction, mask) for prediction, mask in pairs]
        theirs.append(time.thread_time() - middle)
        ours.append(middle - start)
    return min(ours), min(theirs), max(map(largest_difference, scores, references))


def time_files(files: list[tuple[Path, Path]]) -> tuple[float, float, float]:
    """Return (our seconds on CORES threads, their seconds, largest difference) with decoding."""
    start = time.perf_counter()
    ours = [scores for _, scores in score_files(files, workers=CORES)]
    middle = time.perf_counter()
    theirs = [reference_scores(grey(prediction), grey(mask)) for prediction, mask in files]
    end = time.perf_counter()
    difference = max(map(largest_difference, ours, theirs))
    return middle - start, end - middle, difference


def grey(path: Path) -> Bytes:
    """Decode a PNG as PySODMetrics' examples do."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def peak_memory() -> float:
    """Return the largest resident size of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024


def memory_growth(files: list[tuple[Path, Path]], count: int) -> float:
    """Return how much the peak memory grows, MiB, while count pairs are scored and summed."""
    metrics = SaliencyMetrics()
    for _, scores in score_files(files, workers=CORES):
        metrics.add(scores)
    before = peak_memory()
    again = [files[k % len(files)] for k in range(count)]
    for _, scores in score_files(again, workers=CORES):
        metrics.add(scores)
    return peak_memory() - before


def rows(sizes: list[Size], count: int, memory_pairs: int) -> Iterator[str]:
    """Yield the lines of the table as they are measured."""
    yield f"{'pairs per second':<36}{'salient':>9}{'PySODMetrics':>14}{'ratio':>8}  difference"
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
        label = f"from PNG files, {CORES} cores, {sizes[0][1]}x{sizes[0][0]}"
        yield row(label, count, time_files(files))
        growth = memory_growth(files, memory_pairs)
        yield f"peak memory over {memory_pairs} pairs: +{growth:.1f} of {peak_memory():.0f} MiB"


def row(label: str, count: int, measured: tuple[float, float, float]) -> str:
    """Return one line: pairs per second of both, the ratio and the largest difference."""
    ours, theirs, difference = measured
    speeds = f"{count / ours:>9.1f}{count / theirs:>14.1f}{theirs / ours:>7.1f}x"
    return f"{label:<36}{speeds}  {difference:.1e}"


def parse_size(text: str) -> Size:
    """Return (H, W) of a text like 300x400; argparse reports the ValueError of any other."""
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
    options = parser.parse_args()
    if options.pairs < 1 or options.memory_pairs < 1:
        parser.error("--pairs and --memory-pairs take 1 or more")
    try:
        import py_sod_metrics  # noqa: F401
    except ModuleNotFoundError:
        sys.exit("The comparison needs PySODMetrics: pip install pysodmetrics==1.6.2")
    sizes = [options.size] if options.size else [(300, 400), (1024, 1024)]
    for line in rows(sizes, options.pairs, options.memory_pairs):
        print(line, flush=True)


if __name__ == "__main__":
    main()
