"""Validate one network in each process that torchrun started; rank 0 writes the figures.

python -m torch.distributed.run --nproc-per-node N ddp_validate.py CHECKPOINT DATA_ROOT OUTPUT
"""

import functools
import json
import os
import sys
from pathlib import Path

import torch
from salient.data.datamodule import PairsDataModule
from salient.losses import SaliencyLoss
from salient.task import SaliencyTask
from salient.trainer import build_trainer

from salient import load_network

checkpoint, data_root, output = sys.argv[1:]
world = int(os.environ["WORLD_SIZE"])
data = PairsDataModule(
    root="sample/train", data_root=data_root, size=64, batch_size=5, workers=0, held_out=0.25
)
task = SaliencyTask(load_network(checkpoint), SaliencyLoss(), functools.partial(torch.optim.SGD))
trainer = build_trainer(
    str(Path(output).parent / "logs"),
    accelerator="cpu",
    devices=world,
    strategy="ddp",
    use_distributed_sampler=False,
    progress=False,
)
trainer.validate(task, data, verbose=False)
if trainer.is_global_zero:
    figures = {key: float(value) for key, value in trainer.callback_metrics.items()}
    Path(output).write_text(json.dumps({"pairs": len(data.validation_pairs), **figures}))
