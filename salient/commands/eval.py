"""Score networks and saved maps on test sets, next to the published figures.

salient eval dataset=ecssd      dataset=[ecssd,sod]      dataset=all      dataset=sample
salient eval dataset=folder title=mine images=DIR masks=DIR
salient eval dataset=sod predictions=DIR           saved maps of any method
salient eval dataset=sod "predictions={DSS: DIR1, ours: DIR2}"
salient eval dataset=ecssd "checkpoint={best: best, mine: FILE}" "onnx={U2Net: u2net.onnx}"
torchrun --nproc-per-node 2 eval.py dataset=all    the same digits from two processes
"""

from __future__ import annotations

from typing import Any

from salient.cli.build import build, build_sets
from salient.cli.main import run
from salient.config import AnyPath, Word, passes_on
from salient.scoring.evaluation import evaluate
from salient.scoring.tables import Conventions, Row


@passes_on(evaluate, without=("sets", "config"))
def eval(
    *,
    metrics: dict[str, Any] | None = None,
    title: Word = "folder",
    images: AnyPath | None = None,
    masks: AnyPath | None = None,
    dataset: dict[str, Any] | None = None,
    **options: Any,
) -> list[Row]:
    """Score the sets of `dataset` that are found; returns their rows.

    Args:
        metrics: how maps are compared with masks.
        title: the name of dataset=folder in tables.
        images, masks: for dataset=folder, the folders of pictures and of masks.
        dataset: the sets.
        options: further arguments of `evaluate`.

    Raises:
        ValueError: no set is named. And as `evaluate`.
    """
    if not dataset:
        raise ValueError(
            "dataset: missing; salient eval dataset=ecssd (or [ecssd,sod], all, sample)"
        )
    composed = dict(options) | {"metrics": metrics, "dataset": dataset}
    figures = build(metrics, "metrics", Conventions) if metrics else Conventions()
    return evaluate(build_sets(dataset), metrics=figures, config=composed, **options)


if __name__ == "__main__":
    run("eval")
