"""A run's checkpoints: written whole or not at all, and looked at before a run goes on with one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import Tensor

from salient.files import write_whole
from salient.tensors import is_safetensors, read_pickle


class WholeFiles(TorchCheckpointIO):
    """Lightning's own writer fills a file in the system's temporary folder, and moves it: between
    two file systems that is a copy over the old checkpoint, which a kill cuts off."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        content = BytesIO()
        torch.save(checkpoint, content)
        write_whole(path, content.getbuffer())

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read_run(path)


class RunState(BaseModel):
    """What Lightning and this project need of a checkpoint to go on with a run."""

    model_config = ConfigDict(arbitrary_types_allowed=True, strict=True)

    epoch: NonNegativeInt
    global_step: NonNegativeInt
    state_dict: dict[str, Tensor] = Field(min_length=1)
    loops: dict[str, Any]
    callbacks: dict[str, dict[str, Any]]
    optimizer_states: list[dict[str, Any]] = Field(min_length=1)
    lr_schedulers: list[dict[str, Any]] = Field(min_length=1)


def read_run(path: str | Path) -> dict[str, Any]:
    """A run's checkpoint; nothing in it is executed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or the checkpoint of a network alone, or of something else.
    """
    if is_safetensors(path):
        raise ValueError(f"{path}: holds a network, not a run; start={path} begins with it")
    content = read_pickle(path)
    try:
        RunState.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"{path}: not a run's last.ckpt: {key}: {first['msg']}") from error
    return dict(content)
