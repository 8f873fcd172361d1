"""`make soak`: all that is hostile, damaged, nonsense or bad luck, for a while; exit 1 if something
is answered by a traceback, hangs, is silently wrong, or loses what was there.

    python -m tests.soak [PART ...] [seed=0] [share=1]

Parts: kills, signals, ends, places, server, engines, checkpoints, overrides, pictures.
"""

from __future__ import annotations

import logging
import random
import sys
import warnings

import torch

from tests.soak import ends, kills, places, services, trials

PARTS = (
    *("kills", "signals", "ends", "places", "server", "engines"),
    *("checkpoints", "overrides", "pictures"),
)


def main(arguments: list[str]) -> None:
    """Run the named parts, or all; print how many were tried and what they came to."""
    options = dict(a.split("=") for a in arguments if "=" in a)
    parts = [a for a in arguments if "=" not in a] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    dice, share = random.Random(int(options.get("seed", 0))), float(options.get("share", 1))
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    tally, folder = trials.Tally(), services.temporary_folder()
    if "kills" in parts:  # first: it forks, which a used thread pool does not survive
        kills.run(max(round(24 * share), 3), dice, tally)
    if "signals" in parts:
        services.fill(folder)
        services.try_signals(folder, tally)
    if set(parts) & {"ends", "places", "engines", "checkpoints", "overrides"}:
        trials.prepare(folder)
    for part, trial in {
        "ends": lambda: ends.try_ends(folder, tally),
        "places": lambda: places.try_places(folder, tally, dice, share),
        "server": lambda: services.try_server(tally, dice),
        "engines": lambda: services.try_recreation(folder, tally, max(round(200 * share), 20)),
        "checkpoints": lambda: trials.try_checkpoints(folder, tally, dice, share),
        "overrides": lambda: trials.try_overrides(folder, tally, dice, share),
        "pictures": lambda: trials.try_pictures(folder, tally, round(5000 * share)),
    }.items():
        if part in parts:
            trial()
            print(f"\n{tally.table()}\n", flush=True)
    print(tally.table())
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main(sys.argv[1:])
