"""Validate one network in each process that torchrun started; rank 0 writes the figures.

python -m torch.distributed.run --nproc-per-node N ddp_validate.py CHECKPOINT DATA_ROOT OUTPUT
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from salient import load_network
from tests.fixtures import runs


def validate(checkpoint: Path, data_root: Path, trainer: Any) -> dict[str, float]:
    """The figures of a network on a quarter of the sample, and the number of pairs."""
    data = runs.datamodule(data_root, batch_size=5, held_out=0.25)
    trainer.validate(runs.task(load_network(checkpoint)), data, verbose=False)
    figures = {key: float(value) for key, value in trainer.callback_metrics.items()}
    return {"pairs": len(data.validation_pairs), **figures}


def main(checkpoint: str, data_root: str, output: str) -> None:
    trainer = runs.trainer(
        Path(output).parent / "logs",
        devices=int(os.environ["WORLD_SIZE"]),
        strategy="ddp",
        use_distributed_sampler=False,
    )
    found = validate(Path(checkpoint), Path(data_root), trainer)
    if trainer.is_global_zero:
        Path(output).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
