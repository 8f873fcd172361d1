"""Train: fit a network on the pairs of one or several sets, and publish its weights."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf
from pydantic import Field
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import distributed

from salient.cli.build import build, build_group, build_training_sets
from salient.cli.main import run
from salient.cli.run import NO_MEMORY
from salient.config import Word
from salient.devices import keep_freed_memory
from salient.files import check_writable, remove_partials
from salient.metrics import HEADLINE
from salient.model import architecture_of
from salient.model.base import Network
from salient.scoring.comparison import compare as compare_networks
from salient.training.callbacks import LastCheckpoint
from salient.training.datamodule import PairsDataModule
from salient.training.record import hours_trained, publish, write_record
from salient.training.task import SaliencyTask
from salient.training.tensorboard import tensorboards
from salient.weights.find import find_checkpoint, read_checkpoint
from salient.weights.store import load_network

log = logging.getLogger("salient")
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]

NOISE = (
    "You're resuming from a checkpoint that ended before the epoch ended",  # TrainingLoader can
    "It is recommended to use `self.log",  # SaliencyMetrics has summed over processes already
    "The number of training batches .* is smaller than the logging interval",  # Watch adapts it
    "Checkpoint directory .* exists and is not empty",  # Hydra made it, and writes its log there
)
BANNER = """
============================================================================
 data/DUTS-TR is not there: training on the embedded sample, 96 pictures
 drawn by code. This shows that everything runs; it makes no useful detector.
 How to get DUTS: data/README.md. Your own: dataset=folder images=DIR masks=DIR
============================================================================
"""


def train(
    name: Word,
    data_root: str,
    images: str | None,
    masks: str | None,
    strict: bool,
    seed: Seed,
    deterministic: bool,
    resume: str | None,
    start: str | None,
    compare: bool,
    checkpoints: str,
    overwrite: bool,
    loader: dict[str, Any],
    model: dict[str, Any],
    trainer: dict[str, Any],
    callbacks: dict[str, Any],
    dataset: dict[str, Any] | None = None,
    logger: dict[str, Any] | None = None,
) -> Path:
    """Fit and publish `<checkpoints>/<name>.safetensors`; returns its path.

    Where there is such a file already, and it is not to be overwritten, the name gets a number.

    Raises:
        ValueError: a value outside its range, pairs that do not match, a checkpoint that is
            damaged or another run's.
        FileNotFoundError: a set or a checkpoint is not there.
        OSError: `checkpoints` cannot be written.
        ModuleNotFoundError: what a logger or callback needs is not installed.
    """
    config = dict(locals())  # as it was composed and checked
    if not dataset:
        raise ValueError("dataset: missing; salient train dataset=duts_tr (or [duts_tr,msra10k])")
    if compare and start is None:
        raise ValueError("compare: needs start=CHECKPOINT, whose network is the one before")
    if resume is not None and not Path(resume).is_file():
        raise FileNotFoundError(f"resume={resume}: no such checkpoint; runs leave last.ckpt behind")
    check_writable(checkpoints)
    remove_partials(checkpoints)
    for noise in NOISE:
        warnings.filterwarnings("ignore", noise)
    folder = Path(HydraConfig.get().runtime.output_dir)
    name = _name_of_job(name)
    if not torch.cuda.is_available():
        keep_freed_memory()
    pl.seed_everything(seed, workers=True)
    sets = build_training_sets(dataset)
    datamodule = build(loader, "loader", PairsDataModule, sets)
    datamodule.setup()  # pictures are checked before weights are loaded
    pairs = len(datamodule.training_pairs), len(datamodule.validation_pairs)
    log.info("%s: %d pairs to train on, %d held out", datamodule.title, *pairs)
    if datamodule.soft_pairs:
        log.info("and %d pictures with a teacher's maps", len(datamodule.soft_pairs))
    if start is not None:
        file = str(find_checkpoint(start, key="start"))
        network = {"_target_": "salient.weights.store.load_network", "path": file}
        model = model | {"network": network}
    task = build(model, "model", SaliencyTask)
    architecture_of(task.network)  # or nobody could load what is published
    origin = task.network.origin if resume is None else f"{resume}, {datamodule.size} px, of a run"
    log.info("network: %s", origin)
    task.network.train()
    task.network.set_input(datamodule.size, "area")  # as the loader resizes
    carried = build_group(callbacks, "callbacks", pl.Callback)
    boards = build_group(logger or {}, "logger", Logger)  # type: ignore[type-abstract]
    fit = build(trainer, "trainer", pl.Trainer, callbacks=carried, logger=boards)
    if fit.is_global_zero:
        record = write_record(folder, seed)
        for board in tensorboards(fit):
            board.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(config)}\n```")
    _fit(fit, task, datamodule, resume)
    figures = {k: float(v) for k, v in fit.callback_metrics.items() if k.startswith("val/")}
    path = Path(checkpoints) / f"{name}.safetensors"
    if distributed.is_initialized():  # the rest is one process's
        distributed.destroy_process_group()
    if not fit.is_global_zero:
        return path
    _log_choices(fit, config, task.network, pairs[0], figures)
    repeatable = _without_folder(config, str(folder))
    metadata = {"config": repeatable, "validation": figures, "pairs": pairs[0]}
    metadata |= {"record": record, "hours": round(hours_trained(fit), 2)}
    path = publish(task.network, path, metadata, overwrite)
    log.info("validation: %s", json.dumps({k: round(v, 4) for k, v in figures.items()}))
    log.info("published %s", path)
    if compare:
        _compare(file, path, datamodule, config, fit.strategy.root_device)
    return path


def _compare(
    start: str, path: Path, data: PairsDataModule, config: dict[str, Any], device: torch.device
) -> None:
    """Score the held-out pairs by the network before and the published one after; tell and save.

    The jobs of a multirun put their maps together, so that folds can be scored as one set.
    """
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir) / "comparison"
    in_all = Path(hydra.sweep.dir) if hydra.mode == RunMode.MULTIRUN else folder
    published = read_checkpoint(path)
    before, after = load_network(start, device), load_network(published, device)
    told = compare_networks(
        before,
        after,
        data.validation_pairs,
        title=f"{data.title}, held out",
        folder=folder,
        maps=in_all / "maps",
        config=config,
        checkpoint=published,
        workers=data.workers,
    )
    log.info("before: %s\n%s", before.origin, told)
    log.info("side by side in %s", folder / "report.html")


def _fit(
    fit: pl.Trainer, task: SaliencyTask, datamodule: PairsDataModule, resume: str | None
) -> None:
    """Fit; what ends it early is told in a line that says how to go on."""
    last = next((c for c in fit.callbacks if isinstance(c, LastCheckpoint)), None)  # type: ignore[attr-defined]
    try:
        fit.fit(task, datamodule, ckpt_path=resume and Path(resume).resolve(), weights_only=True)
    except SIGTERMException:
        sys.exit(f"interrupted; go on with resume={last.path}" if last else "interrupted")
    except SystemExit:  # Lightning's, at the second Ctrl-C
        saved = last is not None and last.path.is_file()
        sys.exit(f"stopped; go on with resume={last.path}" if last and saved else "stopped")
    except Exception as error:
        if NO_MEMORY.search(str(error)):
            lower = f"loader.batch_size={datamodule.batch_size} or loader.size={datamodule.size}"
            raise ValueError(f"no memory is left; lower {lower}") from error
        if resume is None or (last and last.begun) or isinstance(error, OSError):
            raise
        reason = " ".join(str(error).split()).removeprefix(f"{Path(resume).resolve()}: ")
        problem = reason if isinstance(error, ValueError) else f"damaged: {reason:.200}"
        raise ValueError(f"resume={resume}: {problem}") from error


def _name_of_job(name: str) -> str:
    """The name of the published file: that of the run, and in a multirun the number of the job."""
    hydra = HydraConfig.get()
    return f"{name}-{hydra.job.num}" if hydra.mode == RunMode.MULTIRUN else name


def _log_choices(
    fit: pl.Trainer, config: dict[str, Any], network: Network, pairs: int, figures: dict[str, float]
) -> None:
    """What was chosen and what it reached, for a table of runs in every logger."""
    loader, optimizer = config["loader"], config["model"]["optimizer"]
    encoder = network.config.get("encoder", architecture_of(network))
    choices = {"encoder": encoder, "lr": optimizer["lr"], "seed": config["seed"], "pairs": pairs}
    choices |= {key: loader[key] for key in ("size", "batch_size")}
    choices["max_epochs"] = config["trainer"]["max_epochs"]
    for override in HydraConfig.get().overrides.task:  # so that whatever is swept over is a column
        key, _, value = override.lstrip("+~").partition("=")
        if key.rpartition(".")[2] not in choices:
            choices[key] = value
    final = {
        f"final/{figure.key}": figures[f"val/{figure.key}"]
        for figure in HEADLINE
        if f"val/{figure.key}" in figures
    }
    boards = tensorboards(fit)
    for board in boards:
        board.log_hyperparams(choices, final, fit.global_step)
    for logger in fit.loggers:
        if logger not in boards:
            logger.log_hyperparams(choices)
            logger.log_metrics(final, fit.global_step)
            logger.save()


def _without_folder(node: Any, folder: str) -> Any:
    """A config without the values that lie in the run's folder, which name this machine's paths."""
    if isinstance(node, dict):
        return {
            key: _without_folder(value, folder)
            for key, value in node.items()
            if not str(value).startswith(folder)
        }
    return node


def adapt_arguments(arguments: list[str]) -> list[str]:
    """`-m` goes first, where argparse wants it; and without data the embedded sample is used.

    The sample stands in only if nothing was asked for and the default set is not there.
    """
    arguments = sorted(arguments, key=lambda argument: argument not in ("-m", "--multirun"))
    asked = ("dataset=", "data_root=", "images=", "experiment=", "+experiment=", "-")
    if any(argument.startswith(asked) for argument in arguments) or Path("data/DUTS-TR").is_dir():
        return arguments
    print(BANNER, flush=True)
    defaults = ["checkpoints=results/sample", "loader=small"]
    return [*defaults, *arguments, "dataset=sample_train"]


if __name__ == "__main__":
    run("train")
