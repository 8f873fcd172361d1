"""Train: compose a config, fit, publish the weights. `python train.py --help` lists the keys."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.exceptions import SIGTERMException

from salient.config import check_config, errors_for_people
from salient.results import FIGURES
from salient.task import SaliencyTask
from salient.trainer import hours_trained, write_record
from salient.weights import save_network

log = logging.getLogger("salient")

BANNER = """
============================================================================
 data/DUTS-TR is not there: training on the embedded sample, 96 pictures
 drawn by code. This shows that everything runs; it makes no useful detector.
 How to get DUTS: data/README.md. Your own folders: data=folder data.images=…
============================================================================
"""


def train(
    name: str,
    data_root: str,
    seed: int,
    deterministic: bool,
    resume: str | None,
    start: str | None,
    checkpoints: str,
    data: dict[str, Any],
    model: dict[str, Any],
    trainer: dict[str, Any],
    config: dict[str, Any],
) -> Path:
    """Fit and publish `<checkpoints>/<name>.safetensors`; returns its path."""
    if resume is not None and not Path(resume).is_file():
        raise FileNotFoundError(f"resume={resume}: no such checkpoint; runs leave last.ckpt behind")
    pl.seed_everything(seed, workers=True)
    datamodule = instantiate(data, _convert_="all")
    datamodule.prepare_data()
    datamodule.setup()  # pictures are checked before weights are loaded
    pairs = len(datamodule.training_pairs), len(datamodule.validation_pairs)
    log.info("%s: %d pairs to train on, %d held out", datamodule.title, *pairs)
    if start is not None:
        model = model | {"network": {"_target_": "salient.weights.load_network", "path": start}}
    task: SaliencyTask = instantiate(
        {"_target_": "salient.task.SaliencyTask", **model}, _convert_="all"
    )
    task.network.train()
    task.network.size = task.network.config["size"] = data["size"]
    fit = instantiate(trainer, _convert_="all", deterministic=deterministic)
    if fit.is_global_zero:
        record = write_record(trainer["folder"], seed)
        fit.logger.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(config)}\n```")
    try:
        fit.fit(task, datamodule, ckpt_path=resume, weights_only=True)
    except SIGTERMException:
        sys.exit(f"interrupted; go on with resume={fit.checkpoint_callback.best_model_path}")
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if not re.search("out of memory|can't allocate memory", str(error)):
            raise
        sizes = f"data.batch_size={data['batch_size']} or data.size={data['size']}"
        sys.exit(f"error: out of memory; lower {sizes}\n{error}")
    figures = {k: float(v) for k, v in fit.callback_metrics.items() if k.startswith("val/")}
    choices = {"encoder": task.network.config["encoder"], "lr": model["optimizer"]["lr"]}
    choices |= {key: data[key] for key in ("size", "batch_size")} | {"seed": seed}
    choices |= {key: trainer[key] for key in ("max_epochs", "ema")} | {"pairs": pairs[0]}
    final = {
        f"final/{name}": figures[f"val/{name}"] for name in FIGURES if f"val/{name}" in figures
    }
    fit.logger.log_hyperparams(choices, final, fit.global_step)
    path = Path(checkpoints) / f"{name}.safetensors"
    if not fit.is_global_zero:
        return path
    repeatable = config | {"trainer": {k: v for k, v in trainer.items() if k != "folder"}}
    metadata = {"name": name, "config": repeatable, "validation": figures, "pairs": pairs[0]}
    metadata |= {"record": record, "hours": round(hours_trained(fit), 2)}
    save_network(task.network, path, metadata)
    log.info("validation: %s", json.dumps({k: round(v, 4) for k, v in figures.items()}))
    log.info("published %s", path)
    return path


@hydra.main(version_base="1.3", config_path="configs", config_name="train")
def main(config: DictConfig) -> None:
    with errors_for_people():
        plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
        check_config(plain, train)
        check_config(plain["model"], SaliencyTask, "model.")
        train(**plain, config=plain)


def use_sample_without_data(arguments: list[str]) -> list[str]:
    """Fall back to the embedded sample if nothing was asked for and the default is not there."""
    asked = ("data=", "data_root=", "experiment=", "+experiment=", "-", "data.")
    if any(argument.startswith(asked) for argument in arguments) or Path("data/DUTS-TR").is_dir():
        return arguments
    print(BANNER, flush=True)
    return ["checkpoints=results/sample", *arguments, "data=sample"]


if __name__ == "__main__":
    sys.argv[1:] = use_sample_without_data(sys.argv[1:])
    main()
