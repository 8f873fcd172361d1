"""How a command ends: in one clear line, in a traceback, or in silence."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections import Counter
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch
from warnings import catch_warnings

from salient.cli.main import main


class Outcome(NamedTuple):
    """`kind` is clear (one line, non-zero exit), traceback, or runs (exit 0); `said` the line."""

    kind: str
    said: str


def outcome(folder: Path, *arguments: str) -> Outcome:
    """Run `salient arguments` in a folder, in this process."""
    before, err = dict(os.environ), io.StringIO()
    os.environ |= {"SALIENT_FULL_ERROR": "0", "HYDRA_FULL_ERROR": "1"}
    try:
        with (
            chdir(folder),
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
    except Exception:
        return Outcome("traceback", traceback.format_exc(limit=-4))
    finally:
        os.environ.clear()
        os.environ.update(before)
    return Outcome("runs", err.getvalue())


class Tally:
    """Counts outcomes by topic, keeps what was wrong, and prints the table."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.wrong: list[str] = []

    def add(self, topic: str, case: str, ended: Outcome, may_run: bool = False) -> None:
        """`may_run`: the case is odd, but not wrong; else to run is to be silently wrong."""
        kind = ended.kind
        if kind == "runs":
            kind = "runs, rightly" if may_run else "silent"
        self.counts.setdefault(topic, Counter())[kind] += 1
        if kind not in ("clear", "runs, rightly"):
            self.wrong.append(f"{topic}: {case}: {kind}: {ended.said}")
            print(self.wrong[-1], flush=True)

    def table(self) -> str:
        """A line for each topic."""
        kinds = ("clear", "runs, rightly", "traceback", "unclear", "silent")
        lines = [f"{'':<24}{'tried':>8}" + "".join(f"{kind:>15}" for kind in kinds)]
        for topic, counts in self.counts.items():
            row = "".join(f"{counts[kind]:>15}" for kind in kinds)
            lines.append(f"{topic:<24}{counts.total():>8}{row}")
        return "\n".join(lines)
