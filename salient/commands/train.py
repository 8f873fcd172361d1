"""Train a network and publish its weights as <publish_to>/<name>.safetensors.

salient train                                      DUTS-TR in data/, the published recipe
salient train experiment=duts_scratch              a recipe of configs/experiment
salient train dataset=[duts_tr,msra10k]            several sets together
salient train dataset=folder images=DIR masks=DIR  your own pairs
salient train resume=runs/NAME/DATE/last.ckpt      continues an interrupted run
salient train -m model.optimizer.lr=0.02,0.05      one run for each value
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf
from pytorch_lightning.loggers import Logger

from salient.cli.build import build, build_group, build_training_sets
from salient.cli.main import run
from salient.config import AnyPath, Seed, Word
from salient.files import locked
from salient.model import architecture_of
from salient.model.base import Network
from salient.scoring.tables import write_csv
from salient.training.datamodule import PairsDataModule
from salient.training.run import Trained, check_places
from salient.training.run import train as train_network
from salient.training.task import SaliencyTask
from salient.training.tensorboard import tensorboards
from salient.training.trainer import quieten
from salient.weights.find import find_checkpoint

LOADER = "salient.weights.store.load_network"


def train(
    name: Word,
    loader: dict[str, Any],
    model: dict[str, Any],
    trainer: dict[str, Any],
    callbacks: dict[str, Any],
    data_root: AnyPath = "data",
    title: Word = "folder",
    images: AnyPath | None = None,
    masks: AnyPath | None = None,
    strict: bool = True,
    seed: Seed = 0,
    deterministic: bool = False,
    resume: AnyPath | None = None,
    start: AnyPath | None = None,
    compare: bool = False,
    publish_to: AnyPath = "checkpoints",
    overwrite: bool = False,
    dataset: dict[str, Any] | None = None,
    logger: dict[str, Any] | None = None,
) -> Trained:
    """Fit and publish `<publish_to>/<name>.safetensors`; returns its path and figures.

    If there is such a file already, and `overwrite` is False, the name gets a number.

    Args:
        name: the name of the run and of the published file.
        loader, model, trainer, callbacks, dataset, logger: the groups that a run is built from.
        data_root: the folder with the data sets.
        title: the name of dataset=folder in tables.
        images, masks: for dataset=folder, the folders of pictures and of masks.
        strict: false turns a wrong number of pairs into a warning.
        seed: the seed of weights, order and augmentation.
        deterministic: compute the same weights in every run, somewhat slower.
        resume: the last.ckpt of a run to continue, with the options of that run.
        start: a checkpoint (or last) to start from, ours or ModelScope's. Its network replaces
            model.network.
        compare: score the held-out pairs with the start and with the result; writes report.html.
        publish_to: the folder for the weights.
        overwrite: replace a published file of that name; otherwise the new one gets a number.

    Raises:
        ValueError: a value outside its range, pairs that do not match, or a checkpoint that is
            damaged or belongs to another run.
        FileNotFoundError: a set or a checkpoint is missing.
        OSError: `publish_to` cannot be written.
        ModuleNotFoundError: what a logger or callback needs is not installed.
    """
    if not dataset:
        raise ValueError("dataset: missing; salient train dataset=duts_tr (or [duts_tr,msra10k])")
    if compare and start is None:
        raise ValueError("compare: needs start=CHECKPOINT, the network to compare with")
    check_places(publish_to, resume)
    quieten()
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    swept = hydra.mode == RunMode.MULTIRUN
    config: dict[str, Any] = dict(
        loader=loader, model=model, trainer=trainer, callbacks=callbacks, logger=logger
    )
    config |= dict(dataset=dataset, name=name, seed=seed, start=start, deterministic=deterministic)
    pl.seed_everything(seed, workers=True, verbose=False)
    data = build(loader, "loader", PairsDataModule, build_training_sets(dataset))
    data.setup()  # pictures are checked before weights are loaded
    if start is not None:
        file = str(find_checkpoint(start, key="start"))
        model = model | {"network": {"_target_": LOADER, "path": file}}
    task = build(model, "model", SaliencyTask)
    carried = build_group(callbacks, "callbacks", pl.Callback)
    boards = build_group(logger or {}, "logger", Logger)  # type: ignore[type-abstract]
    fit = build(trainer, "trainer", pl.Trainer, callbacks=carried, logger=boards)
    for board in tensorboards(fit) if fit.is_global_zero else []:
        board.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(config)}\n```")
    overrides = list(hydra.overrides.task)
    trained = train_network(
        data,
        task,
        fit,
        name=f"{name}-{hydra.job.num}" if swept else name,
        folder=folder,
        publish_to=publish_to,
        overwrite=overwrite,
        resume=resume,
        compare_with=start if compare else None,
        maps=Path(hydra.sweep.dir) / "maps" if swept else None,  # of all folds together
        config=config,
        choices=choices_of(config, task.network, len(data.training_pairs)),
        command=[sys.argv[0], *overrides] if swept else None,
    )
    if swept and fit.is_global_zero:
        add_to_sweep(Path(hydra.sweep.dir), hydra.job.num, overrides, trained)
    return trained


def add_to_sweep(folder: Path, number: int, overrides: Sequence[str], trained: Trained) -> None:
    """Add a run to `sweep.csv`: its number, overrides, held-out figures and file, a line each.

    Runs may end at the same time, on several machines.
    """
    file = folder / "sweep.csv"
    line: dict[str, Any] = {"run": number}
    line |= dict(o.lstrip("+~").partition("=")[::2] for o in overrides)
    line |= {key.removeprefix("val/"): value for key, value in trained.figures.items()}
    with locked(folder / "multirun.yaml"):
        lines: list[Mapping[str, Any]] = []
        if file.is_file():
            with file.open(newline="") as stream:
                lines += csv.DictReader(stream)
        lines.append(line | {"file": str(trained.path)})
        lines.sort(key=lambda line: int(line["run"]))
        keys = dict.fromkeys(key for line in lines for key in line)
        write_csv(file, [dict.fromkeys(keys, "") | dict(line) for line in lines])


def choices_of(config: Mapping[str, Any], network: Network, pairs: int) -> dict[str, Any]:
    """The choices of a run for a table of runs; every override is a column."""
    loader, optimizer = config["loader"], config["model"]["optimizer"]
    encoder = network.config.get("encoder", architecture_of(network))
    choices = {"encoder": encoder, "seed": config["seed"], "pairs": pairs}
    choices |= {key: loader[key] for key in ("size", "batch_size")}
    choices |= {"lr": optimizer.get("lr"), "max_epochs": config["trainer"].get("max_epochs")}
    for override in HydraConfig.get().overrides.task:
        key, _, value = override.lstrip("+~").partition("=")
        if key.rpartition(".")[2] not in choices:
            choices[key] = value
    return choices


if __name__ == "__main__":
    run("train")
