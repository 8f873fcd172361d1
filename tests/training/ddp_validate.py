"""Validate one network in each process that torchrun started; rank 0 writes the figures.

python -m torch.distributed.run --nproc-per-node N ddp_validate.py CHECKPOINT DATA_ROOT OUTPUT
"""

import json
import os
import sys
from pathlib import Path

from salient import load_network
from tests.fixtures import runs


def main(checkpoint: str, data_root: str, output: str) -> None:
    data = runs.datamodule(Path(data_root), batch_size=5, held_out=0.25)
    trainer = runs.trainer(
        Path(output).parent / "logs",
        devices=int(os.environ["WORLD_SIZE"]),
        strategy="ddp",
        use_distributed_sampler=False,
    )
    trainer.validate(runs.task(load_network(checkpoint)), data, verbose=False)
    if trainer.is_global_zero:
        figures = {key: float(value) for key, value in trainer.callback_metrics.items()}
        Path(output).write_text(json.dumps({"pairs": len(data.validation_pairs), **figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
