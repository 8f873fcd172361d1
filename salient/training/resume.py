"""A run's checkpoints: written completely or not at all, and checked before a run resumes."""

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
    """Writes checkpoints completely or not at all.

    Lightning's own writer fills a temporary file and moves it. Between two file systems, this
    copies over the old checkpoint, and a kill can interrupt it."""

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
    """The parts of a checkpoint that Lightning and this project need to resume a run."""

    model_config = ConfigDict(arbitrary_types_allowed=True, strict=True)

    epoch: NonNegativeInt
    global_step: NonNegativeInt
    state_dict: dict[str, Tensor] = Field(min_length=1)
    loops: dict[str, Any]
    callbacks: dict[str, dict[str, Any]]
    optimizer_states: list[dict[str, Any]] = Field(min_length=1)
    lr_schedulers: list[dict[str, Any]] = Field(min_length=1)


def read_run(path: str | Path) -> dict[str, Any]:
    """Read a run's checkpoint; nothing in it is executed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, holds only a network, or is something else.
    """
    if is_safetensors(path):
        raise ValueError(
            f"{path}: contains a network, not a run; use start={path} to train from it"
        )
    content = read_pickle(path)
    try:
        RunState.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "it"
        raise ValueError(f"{path}: not a run's last.ckpt: {key}: {first['msg']}") from error
    return dict(content)
