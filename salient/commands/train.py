"""Train: fit a network on the pairs of one or several sets, and publish its weights."""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning.utilities.exceptions import SIGTERMException

from salient.commands.cli import run
from salient.metrics import HEADLINE
from salient.training.callbacks import LastCheckpoint
from salient.training.record import hours_trained, write_record
from salient.training.task import SaliencyTask
from salient.training.tensorboard import tensorboards
from salient.weights.store import save_network

log = logging.getLogger("salient")

NOISE = (
    "You're resuming from a checkpoint that ended before the epoch ended",  # TrainingLoader can
    "It is recommended to use `self.log",  # SaliencyMetrics has summed over processes already
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
    name: str,
    data_root: str,
    images: str | None,
    masks: str | None,
    strict: bool,
    seed: int,
    deterministic: bool,
    resume: str | None,
    start: str | None,
    checkpoints: str,
    loader: dict[str, Any],
    model: dict[str, Any],
    trainer: dict[str, Any],
    callbacks: dict[str, Any],
    dataset: dict[str, Any] | None = None,
    logger: dict[str, Any] | None = None,
) -> Path:
    """Fit and publish `<checkpoints>/<name>.safetensors`; returns its path.

    Raises:
        ValueError: a value outside its range, or pairs that do not match.
        FileNotFoundError: a set or a checkpoint is not there.
        ModuleNotFoundError: what a logger or callback needs is not installed.
    """
    config = dict(locals())  # as it was composed and checked
    if not dataset:
        raise ValueError("dataset: missing; salient train dataset=duts_tr (or [duts_tr,msra10k])")
    if resume is not None and not Path(resume).is_file():
        raise FileNotFoundError(f"resume={resume}: no such checkpoint; runs leave last.ckpt behind")
    for noise in NOISE:
        warnings.filterwarnings("ignore", noise)
    folder = Path(HydraConfig.get().runtime.output_dir)
    name = _name_of_job(name)
    pl.seed_everything(seed, workers=True)
    sets = [instantiate(node, _convert_="all") for node in dataset.values()]
    datamodule = instantiate(loader, _convert_="all")(sets)
    datamodule.setup()  # pictures are checked before weights are loaded
    pairs = len(datamodule.training_pairs), len(datamodule.validation_pairs)
    log.info("%s: %d pairs to train on, %d held out", datamodule.title, *pairs)
    if start is not None:
        network = {"_target_": "salient.weights.store.load_network", "path": start}
        model = model | {"network": network}
    task: SaliencyTask = instantiate(model, _convert_="all")
    task.network.train()
    task.network.set_input(datamodule.size, "area")  # as the loader resizes
    fit: pl.Trainer = instantiate(trainer, _convert_="all")(
        callbacks=_build(callbacks, "callbacks"), logger=_build(logger or {}, "logger")
    )
    if fit.is_global_zero:
        record = write_record(folder, seed)
        for board in tensorboards(fit):
            board.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(config)}\n```")
    _fit(fit, task, datamodule, resume)
    figures = {k: float(v) for k, v in fit.callback_metrics.items() if k.startswith("val/")}
    path = Path(checkpoints) / f"{name}.safetensors"
    if not fit.is_global_zero:
        return path
    _log_choices(fit, config, task.network.config["encoder"], pairs[0], figures)
    repeatable = _without_folder(config, str(folder))
    metadata = {"name": name, "config": repeatable, "validation": figures, "pairs": pairs[0]}
    metadata |= {"record": record, "hours": round(hours_trained(fit), 2)}
    save_network(task.network, path, metadata)
    log.info("validation: %s", json.dumps({k: round(v, 4) for k, v in figures.items()}))
    log.info("published %s", path)
    return path


def _fit(
    fit: pl.Trainer, task: SaliencyTask, datamodule: pl.LightningDataModule, resume: str | None
) -> None:
    try:
        fit.fit(task, datamodule, ckpt_path=resume, weights_only=True)
    except SIGTERMException:
        saved = [c.path for c in fit.callbacks if isinstance(c, LastCheckpoint)]  # type: ignore[attr-defined]
        sys.exit(f"interrupted; go on with resume={saved[0]}" if saved else "interrupted")
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if not re.search("out of memory|can't allocate memory", str(error)):
            raise
        lower = f"loader.batch_size={datamodule.batch_size} or loader.size={datamodule.size}"  # type: ignore[attr-defined]
        sys.exit(f"error: out of memory; lower {lower}\n{error}")


def _name_of_job(name: str) -> str:
    """The name of the published file: that of the run, and in a multirun the number of the job."""
    hydra = HydraConfig.get()
    return f"{name}-{hydra.job.num}" if hydra.mode == RunMode.MULTIRUN else name


def _build(nodes: dict[str, Any], group: str) -> list[Any]:
    """The callbacks or loggers of a group, in their order; null leaves one out."""
    built = []
    for key, node in nodes.items():
        if node is None:
            continue
        try:
            built.append(instantiate(node, _convert_="all"))
        except Exception as error:
            cause = error.__cause__ or error
            if not isinstance(cause, ModuleNotFoundError):
                raise
            package = (cause.name or key).partition(".")[0]
            raise ModuleNotFoundError(
                f"{group}.{key}: needs a package that is not installed; pip install {package}"
            ) from error
    return built


def _log_choices(
    fit: pl.Trainer, config: dict[str, Any], encoder: str, pairs: int, figures: dict[str, float]
) -> None:
    """What was chosen and what it reached, for a table of runs in every logger."""
    loader, optimizer = config["loader"], config["model"]["optimizer"]
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
