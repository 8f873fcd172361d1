"""How a command ends: in one clear line, in a traceback, or in silence."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch
from warnings import catch_warnings

from salient.cli.main import main

PATIENCE = 300  # seconds until a command hangs, on a busy machine


class HangError(BaseException):
    """A command takes longer than PATIENCE."""


class Outcome(NamedTuple):
    """`kind` is clear (a line, exit 1), traceback, hang, lost or runs (exit 0); `said` the line."""

    kind: str
    said: str


def outcome(folder: Path, *arguments: str) -> Outcome:
    """Run `salient arguments` in a folder, in this process."""
    before, err = dict(os.environ), io.StringIO()
    os.environ |= {"SALIENT_FULL_ERROR": "0", "HYDRA_FULL_ERROR": "1"}
    try:
        with (
            chdir(folder),
            patience(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(err),
            catch_warnings(),
            patch.object(sys, "argv", ["salient", *arguments]),
        ):
            main()
    except SystemExit as end:
        line = end.code if isinstance(end.code, str) else ""
        if not end.code:
            return Outcome("runs", err.getvalue())
        clear = line.startswith("error: ") and "\n" not in line and line.isprintable()
        advice = "weights_only" in line or "append" in line
        return Outcome("clear" if clear and not advice else "unclear", line or err.getvalue())
    except HangError:
        return Outcome("hang", f"not ended after {PATIENCE} s")
    except Exception:
        return Outcome("traceback", traceback.format_exc(limit=-4))
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Outcome("runs", err.getvalue())


@contextmanager
def patience() -> Iterator[None]:
    """Raise HangError when the block takes too long; on the main thread."""

    def give_up(number: int, frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Tally:
    """Counts outcomes by topic, keeps what was wrong, and prints the table."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.wrong: list[str] = []

    def add(
        self, topic: str, case: str, ended: Outcome, may_run: bool = False, lines: bool = False
    ) -> None:
        """`may_run`: the case is odd, but not wrong; else to run is to be silently wrong. With
        `lines` an answer may have several, each of them clear."""
        kind = ended.kind
        if kind == "runs":
            kind = "right" if may_run else "silent"
        if kind == "unclear":
            whole = lines and ended.said.startswith("error: ") and "Traceback" not in ended.said
            kind = "clear" if whole else "traceback"
        self.counts.setdefault(topic, Counter())[kind] += 1
        if kind not in ("clear", "right"):
            self.wrong.append(f"{topic}: {case}: {ended.kind}: {ended.said}")
            print(self.wrong[-1], flush=True)

    def table(self) -> str:
        """A line for each topic: `clear` is refused in a line, `right` did what was asked for."""
        kinds = ("clear", "right", "traceback", "hang", "silent", "lost")
        lines = [f"{'':<24}{'tried':>8}" + "".join(f"{kind:>11}" for kind in kinds)]
        total: Counter[str] = Counter()
        for topic, counts in self.counts.items():
            total += counts
            row = "".join(f"{counts[kind]:>11}" for kind in kinds)
            lines.append(f"{topic:<24}{counts.total():>8}{row}")
        row = "".join(f"{total[kind]:>11}" for kind in kinds)
        return "\n".join([*lines, f"{'all':<24}{total.total():>8}{row}"])
