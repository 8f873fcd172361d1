"""`make soak`: a few minutes of hostile checkpoints, nonsense overrides and kills; exit 1 if one is
answered by a traceback, by silence, or by a loss.

    python -m tests.soak [checkpoints] [overrides] [kills] [seed=0] [share=1]
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
import warnings
from pathlib import Path

import torch

from tests.soak import kills, trials


def main(arguments: list[str]) -> None:
    """Run the named parts, or all."""
    options = dict(a.split("=") for a in arguments if "=" in a)
    parts = [a for a in arguments if "=" not in a] or ["kills", "checkpoints", "overrides"]
    dice, share = random.Random(int(options.get("seed", 0))), float(options.get("share", 1))
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    lost: list[str] = []
    if "kills" in parts:  # first: it forks, which a used thread pool does not survive
        lost = kills.run(max(round(24 * share), 3), dice)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    trials.prepare(folder)
    tally = trials.Tally()
    if "checkpoints" in parts:
        trials.try_checkpoints(folder, tally, dice, share)
    if "overrides" in parts:
        trials.try_overrides(folder, tally, dice, share)
    print("\n".join([*lost, tally.table()]))
    sys.exit(bool(tally.wrong or lost))


if __name__ == "__main__":
    main(sys.argv[1:])
