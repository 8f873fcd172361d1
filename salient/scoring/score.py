"""Predictions -> the row of a table. New and saved maps are scored by the same function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from salient.arrays import Map, Mask
from salient.data.encoding import encode_png
from salient.data.pairs import Pair
from salient.data.transforms import fit_map
from salient.detection.quality import iou
from salient.detection.result import Result
from salient.devices import in_parallel
from salient.files import write_whole
from salient.metrics import HEADLINE, USUAL, Choice, ExactSums, MaxF, PairScores, score_pair
from salient.scoring.sources import Prediction, from_network
from salient.scoring.tables import Row

if TYPE_CHECKING:
    import torch

    from salient.model.base import Network

T = TypeVar("T")
Scored = tuple[str, PairScores]
Watcher = Callable[[str, Map, Mask, PairScores], None]  # a pair's name, map, mask and scores


def score_predictions(
    predictions: Iterable[Prediction],
    *,
    normalize: bool = True,
    choice: Choice = USUAL,
    folder: Path | None = None,
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> Iterator[Scored]:
    """(name, scores) of each prediction in order, on threads while the next are being made.

    Reading and the compiled loops of the metrics release the interpreter's lock. A map of another
    size than its mask is resized first: bilinear, in float, rounded.

    Args:
        predictions: the maps to score.
        normalize: stretch each map by its own minimum and maximum; see `measure_pair`.
        choice: the figures; see `choose`.
        folder: receives each map as `<name>.png`.
        workers: threads; by default one per core that this process may use.
        watcher: called with each pair, resized to one size, on the thread that scored it.

    Raises:
        ValueError: a file cannot be read as a picture, or `workers` is below 1.
        FileNotFoundError: a file is missing.
    """

    def job(prediction: Prediction) -> Scored:
        saliency, mask = prediction.load()
        predicted = saliency.predicted_iou if isinstance(saliency, Result) else None
        saliency = np.asarray(saliency)
        if folder is not None:
            file = folder / f"{prediction.name}.png"
            write_whole(file, encode_png(saliency), durable=False)
        fitted = fit_map(saliency, mask.shape)
        scores = score_pair(fitted, mask, normalize=normalize, choice=choice)
        scores = scores._replace(iou=iou(fitted, mask), predicted_iou=predicted)
        if watcher is not None:
            watcher(prediction.name, fitted, mask, scores)
        return prediction.name, scores._replace(resized=saliency.shape != mask.shape)

    return in_parallel(job, predictions, workers)


def summarise(
    dataset: str,
    method: str,
    scored: Iterable[Scored],
    published: Mapping[str, float],
    max_f: MaxF = "curve",
    choice: Choice = USUAL,
) -> tuple[Row, list[dict[str, Any]]]:
    """The row of the pairs scored in all processes, and a line for each pair, by name."""
    sums = ExactSums(choice)
    lines: list[dict[str, Any]] = []
    for name, scores in scored:
        sums.add(scores)
        line = {"dataset": dataset, "method": method, "name": name}
        flags: dict[str, Any] = {"resized": scores.resized, "empty": scores.empty}
        flags |= {"iou": scores.iou, "predicted_iou": scores.predicted_iou}
        lines.append(line | scores.figures | flags)
    parts = of_all_processes((sums, lines))
    sums, lines = ExactSums(choice), []
    for their_sums, their_lines in parts:
        sums.merge(their_sums)
        lines += their_lines
    if len(parts) > 1:
        lines.sort(key=lambda line: str(line["name"]))
    figures, curves = sums.means(max_f)
    resized = sum(line["resized"] for line in lines)
    named = {name: curve.tolist() for name, curve in curves.items()}
    return Row(dataset, method, sums.pairs, figures, published, resized, named), lines


def of_all_processes(part: T) -> list[T]:
    """The parts of all processes in their order; with one process, only its own."""
    distributed = _distributed()
    if distributed is None:
        return [part]
    parts: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(parts, part)
    return parts


def rank_and_world() -> tuple[int, int]:
    """This process's rank among those that score together, and their number."""
    distributed = _distributed()
    return (distributed.get_rank(), distributed.get_world_size()) if distributed else (0, 1)


def _distributed() -> Any:
    """`torch.distributed` if it is in use; None with one process."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available():
        return None
    return torch.distributed if torch.distributed.is_initialized() else None


def largest_move(
    network: Network, pairs: Sequence[Pair], precision: torch.dtype, batch_size: int = 8
) -> float:
    """The largest change of a figure on these pairs in `precision`, compared with float32."""
    import torch

    from salient.detection.by_torch import TorchEngine

    rows = []
    for dtype in (torch.float32, precision):
        maps = from_network(TorchEngine(network, dtype), pairs, batch_size, 0)
        rows.append(summarise("", str(dtype), score_predictions(maps), {})[0])
    keys = [figure.key for figure in HEADLINE]
    return max(abs(rows[0].figures[key] - rows[1].figures[key]) for key in keys)
