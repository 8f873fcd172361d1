"""One run: fit a network, publish its weights, compare it with its start."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import LearningRateMonitor, Timer, WeightAveraging
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import distributed

from salient.config import AnyPath, Word, checked
from salient.devices import OUT_OF_MEMORY, keep_freed_memory
from salient.files import check_writable, remove_partials
from salient.metrics import HEADLINE
from salient.model import architecture_of
from salient.scoring.comparison import compare
from salient.scoring.tables import Row
from salient.training.callbacks import FiniteGuard, LastCheckpoint, moving_average
from salient.training.datamodule import PairsDataModule
from salient.training.progress import RunBar
from salient.training.record import hours_trained, publish, write_record
from salient.training.task import SaliencyTask
from salient.training.tensorboard import CurvesPlot, PicturePanel, tensorboards
from salient.training.trainer import build_trainer, quieten
from salient.training.watch import Watch
from salient.weights.find import find_checkpoint, read_checkpoint
from salient.weights.store import load_network

log = logging.getLogger("salient")


class Trained(NamedTuple):
    """The result of a run.

    Attributes:
        path: the published file; in a process other than the first, the requested name.
        figures: the scores on the held-out pairs by key, such as `val/mae`.
        rows: before and after on the held-out pairs, if they were compared.
    """

    path: Path
    figures: dict[str, float]
    rows: list[Row]


@checked
def train(
    data: PairsDataModule,
    task: SaliencyTask,
    trainer: pl.Trainer | None = None,
    *,
    name: Word = "trained",
    folder: AnyPath | Path | None = None,
    publish_to: AnyPath | Path = "checkpoints",
    overwrite: bool = False,
    resume: AnyPath | None = None,
    compare_with: AnyPath | None = None,
    maps: AnyPath | Path | None = None,
    config: Mapping[str, Any] | None = None,
    choices: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
) -> Trained:
    """Fit and publish `<publish_to>/<name>.safetensors`.

    If there is such a file already, and `overwrite` is False, the name gets a number. Ctrl-C saves
    `last.ckpt` and raises a SystemExit that says how to continue.

    Args:
        data: the pairs to train on, and those held out.
        task: the network, its loss and its optimiser.
        trainer: by default 40 epochs on the GPU, or else the CPU, with the usual callbacks.
        name: of the published file.
        folder: of the run, for its record and last.ckpt; `runs/<name>` by default.
        publish_to: the folder for the weights.
        overwrite: replace a published file of that name.
        resume: the last.ckpt of a run to continue.
        compare_with: a checkpoint. It and the published network are scored on the held-out pairs,
            and reported side by side in `<folder>/comparison`.
        maps: another folder for the maps of that comparison.
        config: the configuration that is stored in the published file.
        choices: the choices that loggers show.
        command: how it was started, for `record.json`; by default this process's arguments.

    Raises:
        ValueError: pairs do not match, or a checkpoint is damaged or belongs to another run.
        FileNotFoundError: a set or a checkpoint is missing.
        OSError: `publish_to` cannot be written.
    """
    check_places(publish_to, resume)
    folder = Path(folder or Path("runs", name))
    before = None if compare_with is None else find_checkpoint(compare_with, key="compare_with")
    quieten()
    if not torch.cuda.is_available():
        keep_freed_memory()
    data.setup()
    architecture_of(task.network)  # fails if the published file could not be loaded
    _announce(task, data, resume)
    task.network.train()
    task.network.set_input(data.size, "area")  # as the loader resizes
    if trainer is None:
        trainer = build_trainer(usual_callbacks(folder))
    record: dict[str, Any] = {}
    if trainer.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        record = write_record(folder, data.seed, command)
    _fit(trainer, task, data, resume)
    figures = task.validated
    path = Path(publish_to) / f"{name}.safetensors"
    if distributed.is_initialized():  # the rest is one process's
        distributed.destroy_process_group()
    if not trainer.is_global_zero:
        return Trained(path, figures, [])
    _log_choices(trainer, choices or {}, figures)
    metadata = {"config": _without_folder(config or {}, str(folder)), "validation": figures}
    metadata |= {
        "pairs": len(data.training_pairs),
        "record": record,
        "hours": round(hours_trained(trainer), 2),
    }
    path = publish(task.network, path, metadata, overwrite)
    log.info("held out: %s", _in_words(figures) or "not validated")
    log.info("published %s", path)
    if before is None:
        log.info("next: salient eval dataset=ecssd checkpoint=%s", path)
        return Trained(path, figures, [])
    published = read_checkpoint(path)
    device = trainer.strategy.root_device
    log.info("before: %s", before)
    found = compare(
        load_network(before, device),
        load_network(published, device),
        data.validation_pairs,
        title=f"{data.title}, held out",
        folder=folder / "comparison",
        maps=Path(maps or folder / "comparison/maps"),
        config=config or {},
        checkpoint=published,
        workers=data.workers,
    )
    log.info("%s", found.words)
    log.info("side by side in %s", folder / "comparison/report.html")
    return Trained(path, figures, found.rows)


def check_places(publish_to: str | Path, resume: str | None) -> None:
    """Check early what would otherwise fail at the end of a run.

    Raises:
        FileNotFoundError: there is no such checkpoint to resume.
        OSError: `publish_to` cannot be written.
    """
    if resume is not None and not Path(resume).is_file():
        raise FileNotFoundError(
            f"resume={resume}: no such checkpoint; a run writes last.ckpt into its folder"
        )
    check_writable(publish_to)
    remove_partials(publish_to)


def usual_callbacks(folder: str | Path, averaging: pl.Callback | None = None) -> list[pl.Callback]:
    """The callbacks of every run, as in `configs/callbacks/default.yaml`.

    Args:
        folder: of the run.
        averaging: of the weights; `moving_average()` by default.
    """
    return [
        FiniteGuard(folder),
        averaging or moving_average(),
        LastCheckpoint(folder),
        LearningRateMonitor(),
        Timer(),
        Watch(),
        CurvesPlot(),
        PicturePanel(),
        RunBar(refresh_rate=10),
    ]


def _announce(task: SaliencyTask, data: PairsDataModule, resume: str | None) -> None:
    """Log how much there is to train on, and which network starts."""
    pairs = len(data.training_pairs), len(data.validation_pairs)
    log.info("%s: %d pairs to train on, %d held out", data.title, *pairs)
    if data.soft_pairs:
        log.info("and %d pictures with a teacher's maps", len(data.soft_pairs))
    origin = task.network.origin if resume is None else f"{resume}, {data.size} px, of a run"
    weights = sum(parameter.numel() for parameter in task.network.parameters()) / 1e6
    log.info("network: %s, %.1f million weights", origin, weights)


def _fit(trainer: pl.Trainer, task: SaliencyTask, data: PairsDataModule, resume: Any) -> None:
    """Fit; if it ends early, a line says how to continue."""
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    last = next((c for c in callbacks if isinstance(c, LastCheckpoint)), None)
    path = Path(resume).resolve() if resume else None
    try:
        trainer.fit(task, data, ckpt_path=path, weights_only=True)
        for callback in callbacks:
            if isinstance(callback, WeightAveraging):  # left out if no epoch was left to train
                callback.on_train_end(trainer, task)
    except SIGTERMException:
        sys.exit(f"interrupted; continue with resume={last.path}" if last else "interrupted")
    except SystemExit:  # Lightning's, at the second Ctrl-C
        saved = last is not None and last.path.is_file()
        sys.exit(f"stopped; continue with resume={last.path}" if last and saved else "stopped")
    except Exception as error:
        if OUT_OF_MEMORY.search(str(error)):
            lower = f"batch_size ({data.batch_size}) or size ({data.size})"
            raise ValueError(f"out of memory; lower the loader's {lower}") from error
        if resume is None or (last and last.begun) or isinstance(error, OSError):
            raise
        reason = " ".join(str(error).split()).removeprefix(f"{path}: ")
        problem = reason if isinstance(error, ValueError) else f"damaged: {reason:.200}"
        raise ValueError(f"resume={resume}: {problem}") from error


def _in_words(figures: Mapping[str, float]) -> str:
    shown = {figure.label: figures.get(f"val/{figure.key}") for figure in HEADLINE}
    return ", ".join(f"{label} {x:.4f}" for label, x in shown.items() if x is not None)


def _log_choices(
    trainer: pl.Trainer, choices: Mapping[str, Any], figures: Mapping[str, float]
) -> None:
    """Log choices and final scores, for a table of runs in every logger."""
    final = {
        f"final/{figure.key}": figures[f"val/{figure.key}"]
        for figure in HEADLINE
        if f"val/{figure.key}" in figures
    }
    boards = tensorboards(trainer)
    for board in boards:
        board.log_hyperparams(dict(choices), final, trainer.global_step)
    for logger in trainer.loggers:
        if logger not in boards:
            logger.log_hyperparams(dict(choices))
            logger.log_metrics(final, trainer.global_step)
            logger.save()


def _without_folder(node: Any, folder: str) -> Any:
    """A config without paths in the run's folder, which would name folders of this machine."""
    if isinstance(node, Mapping):
        return {
            key: _without_folder(value, folder)
            for key, value in node.items()
            if not str(value).startswith(folder)
        }
    return node
