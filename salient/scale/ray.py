"""Detection and scoring by Ray Data: from and to anything that Ray reads and writes.

    rows = ray.data.read_binary_files("s3://bucket/photos", include_paths=True)
    salient.scale.ray.predict(rows, num_gpus=0.5).write_parquet("s3://bucket/maps")

Ray schedules, retries and survives lost nodes; here is only what a worker does with a batch.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from salient.detection.detector import Detector
from salient.detection.summary import COLUMNS
from salient.distribution import how_to_install
from salient.metrics import Choice, ExactSums, MaxF, choose
from salient.scale.rows import RowDetector, pairs_of
from salient.scoring.score import score_predictions
from salient.scoring.sources import from_network

if TYPE_CHECKING:
    from ray.data import Dataset

FOUND = tuple(key for key in COLUMNS if key not in ("file", "output"))
Batch = dict[str, Any]


@dataclass(frozen=True)
class Pool:
    """The workers (actors) that Ray starts.

    Args:
        batch_size: rows that a worker gets at once.
        concurrency: the number of workers, or the least and the most; by default as many as the
            cluster has room for.
        num_cpus, num_gpus: what Ray reserves for a worker; two workers with 0.5 share a GPU.
        more: further arguments of `Dataset.map_batches`.
    """

    batch_size: int = 16
    concurrency: int | tuple[int, int] | None = None
    num_cpus: float = 1
    num_gpus: float = 0
    more: Mapping[str, Any] = field(default_factory=dict)

    def map(self, dataset: Dataset, worker: type, *arguments: Any) -> Dataset:
        """The batches of `dataset` after `worker(*arguments)`, a callable class; lazy.

        Raises:
            ModuleNotFoundError: Ray is not installed.
        """
        try:
            from ray.data import ActorPoolStrategy
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"Ray is not installed; {how_to_install('ray')}") from error
        if isinstance(self.concurrency, int):
            actors = ActorPoolStrategy(size=self.concurrency)
        else:
            least, most = self.concurrency or (1, None)
            actors = ActorPoolStrategy(min_size=least, max_size=most)
        return dataset.map_batches(
            worker,
            fn_constructor_args=arguments,
            compute=actors,
            batch_size=self.batch_size,
            batch_format="numpy",
            zero_copy_batch=True,
            num_cpus=self.num_cpus,
            num_gpus=self.num_gpus or None,
            **self.more,
        )


def predict(
    dataset: Dataset,
    pool: Pool = Pool(),
    *,
    content: str = "bytes",
    name: str = "path",
    output: str = "map",
    **options: Any,
) -> Dataset:
    """A data set of pictures -> the same rows with their maps.

    It is lazy, as Ray Data is: rows flow when the result is written or iterated. The column
    `content` is left out of it; `output` and what `FOUND` names are added.

    Args:
        dataset: a row a picture, with its file's content; `ray.data.read_binary_files` makes one.
        pool: the workers.
        content: the column of contents, bytes.
        name: the column of names, which errors quote; it may be missing.
        output: the column of the files that are made, bytes; null where there is none.
        options: of `RowDetector`: checkpoint, mode, format, ...

    Raises:
        ModuleNotFoundError: Ray is not installed.
    """
    options = {"threads": max(1, int(pool.num_cpus))} | options
    return pool.map(dataset, _Predict, options, content, name, output)


def score(
    dataset: Dataset,
    pool: Pool = Pool(),
    *,
    normalize: bool = True,
    figures: str | list[str] | None = None,
    **options: Any,
) -> Dataset:
    """A data set of pictures and masks -> a row for each pair with its figures, for `means`.

    Args:
        dataset: a row a pair: `name`, `image` and `mask`, each a file's content or its path, which
            all nodes can read; `ray.data.from_items(pair_rows(pairs))` makes one of a `PairSet`'s.
        pool: the workers.
        normalize: stretch each map by its own minimum and maximum.
        figures: more than the usual: all, or names.
        options: of `Detector.load`: checkpoint, engine, tta, ... By default `engine="torch"` in
            fp32, as `salient eval`.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ValueError: `figures` names one that there is not.
    """
    options = {"engine": "torch", "precision": "fp32", "threads": 1} | options
    return pool.map(dataset, _Score, options, normalize, choose(figures))


def means(
    scored: Dataset, max_f: MaxF = "curve", figures: str | list[str] | None = None
) -> dict[str, float]:
    """The figures of the whole set, to the last digit those of one process.

    Args:
        scored: what `score` returned.
        max_f: the convention of the maximum F.
        figures: as they were given to `score`.

    Raises:
        ValueError: there is no pair.
    """
    sums = ExactSums(choose(figures))
    for row in scored.select_columns(["sums"]).iter_rows():
        if row["sums"]:
            words, pairs = pickle.loads(row["sums"])
            sums.words = sums.words + words
            sums.pairs += pairs
    return sums.means(max_f)[0]


class _Predict:
    """An actor that detects."""

    def __init__(self, options: dict[str, Any], content: str, name: str, output: str) -> None:
        self.detect = RowDetector(**options)
        self.content, self.name, self.output = content, name, output

    def __call__(self, batch: Batch) -> Batch:
        contents = list(batch.pop(self.content))
        names = [str(one) for one in batch.get(self.name, range(len(contents)))]
        made = self.detect(contents, names)
        found = {key: [one.row.get(key) for one in made] for key in FOUND}
        return batch | found | {self.output: [one.content for one in made]}


class _Score:
    """An actor that scores."""

    def __init__(self, options: dict[str, Any], normalize: bool, choice: Choice) -> None:
        self.detector = Detector.load(options.pop("checkpoint", None), **options)
        self.normalize, self.choice = normalize, choice

    def __call__(self, batch: Batch) -> Batch:
        pairs = pairs_of(batch)
        flip = self.detector.tta == "flip"
        maps = from_network(self.detector.engine, pairs, len(pairs), 0, flip)
        sums, figures = ExactSums(self.choice), list[dict[str, float]]()
        scored = score_predictions(maps, normalize=self.normalize, choice=self.choice, workers=1)
        for _, scores in scored:
            sums.add(scores)
            figures.append(scores.figures)
        whole = [pickle.dumps((sums.words, sums.pairs)), *[b""] * (len(pairs) - 1)]
        columns = {key: np.array([one[key] for one in figures]) for key in figures[0]}
        return {"name": batch["name"], "sums": whole} | columns
