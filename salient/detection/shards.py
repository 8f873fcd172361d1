"""Divide pictures among processes that share the work without communicating."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

AUTO = "auto"
SLURM = tuple(f"SLURM_ARRAY_TASK_{word}" for word in ("ID", "MIN", "MAX", "COUNT"))


class Shard(NamedTuple):
    """A part of all pictures: `number` of `total`, from 1.

    A hash of its name decides the shard of a picture. Each picture is in exactly one shard, and
    stays there when other pictures are added.
    """

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def holds(self, name: str) -> bool:
        """Whether a picture is in the shard, by its path below the input, with slashes."""
        digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.total == self.number - 1


WHOLE = Shard(1, 1)


def read_shard(text: str, environment: Mapping[str, str] = os.environ) -> Shard:
    """The shard of a text such as `3/16`, or of `auto`: this task of a SLURM array.

    Raises:
        ValueError: the text is neither; or `auto` is used outside an array, or in one with gaps,
            where tasks do not know the number of shards.
    """
    if text == AUTO:
        return _of_slurm(environment)
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"shard={text}: not valid; use 1/16 to 16/16, or auto in a SLURM array")
    return Shard(int(match[1]), int(match[2]))


def _of_slurm(environment: Mapping[str, str]) -> Shard:
    try:
        task, first, last, count = (int(environment[name]) for name in SLURM)
    except (KeyError, ValueError):
        raise ValueError(
            f"shard=auto: {', '.join(SLURM)} are not set; sbatch --array=1-16, or shard=3/16"
        ) from None
    if first not in (0, 1) or last - first + 1 != count:
        raise ValueError(
            f"shard=auto: this array has {count} tasks from {first} to {last}; it must be whole, "
            "from 0 or 1. To repeat one of 16, give shard=3/16"
        )
    return Shard(task - first + 1, count)
