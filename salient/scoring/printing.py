"""What a scoring prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from salient.data.pairs import first_few
from salient.metrics import Choice
from salient.scoring.methods import Loaded
from salient.scoring.reliability import in_words, lines_of
from salient.scoring.robustness.losses import NOTE, Tested, losses_table
from salient.scoring.sequences import MEAN
from salient.scoring.tables import Row, markdown


def networks_in_words(networks: Mapping[str, Loaded]) -> str:
    """The description of the networks, printed after the conventions."""
    names = {name: "Network" if len(networks) == 1 else name for name in networks}
    return "".join(f" {names[name]}: {network.in_words()}." for name, network in networks.items())


def print_means(found: Sequence[Mapping[str, Row]], choice: Choice) -> None:
    """Print the means over sequences, a row for each set and method."""
    print(f"\n{MEAN}\n\n{markdown([one[MEAN] for one in found], choice.shown)}")


def print_losses(tested: Sequence[Tested]) -> None:
    """Print what networks lose on damaged pictures."""
    for one in tested:
        print(f"\n{one.method} on {one.dataset}, damaged\n\n{losses_table(one)}")
    print(f"\n{NOTE}")


def print_table(
    rows: list[Row],
    lines: list[dict[str, Any]],
    note: str,
    missing: list[str],
    choice: Choice,
) -> None:
    """Print the table, and notes on its maps and masks."""
    print(markdown(rows, choice.shown), f"\n{note}")
    for row in rows:
        if row.resized:
            print(f"{row.dataset}, {row.method}: {row.resized} maps were resized to their masks")
    for title in dict.fromkeys(row.dataset for row in rows):
        empty = {line["name"] for line in lines if line["dataset"] == title and line["empty"]}
        if empty:
            print(f"{title}: {len(empty)} masks have no foreground: {first_few(empty)}")
    for row in rows:
        own = [line for line in lines if line["dataset"] == row.dataset]
        if (found := lines_of(own, row.method)) is not None:
            print(f"{row.dataset}, {row.method}: {in_words(*found)}")
    for problem in missing:
        print(f"not scored: {problem}")
