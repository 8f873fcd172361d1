"""A comparison of two methods in words and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from salient.metrics import HEADLINE
from salient.scoring.paired import FAILED, SURE, Comparison, Difference, Failures
from salient.scoring.tables import aligned

CONVENTIONS = (
    f"After - before, picture by picture. Middle: mean of the middle 80 % of the differences "
    f"with its standard error (Yuen 1974); a change of {SURE} standard errors or more is sure. "
    f"max F: the best of each picture. Gross failure: IoU under {FAILED} at level 128 "
    f"(McNemar's exact test). p: the probability that equal methods differ as much by chance."
)


def table(whole: Comparison) -> str:
    """The comparison on one group of pictures: a line for each figure, and one for failures."""
    head = ["Figure", "Before", "After", "Middle 80 %", "Standard errors", "Gain", "Lose", "p"]
    lines = [_line(difference) for difference in whole.differences]
    return f"{aligned([head, *lines])}\n\n{failures_in_words(whole.failures)}"


def groups_table(comparisons: Sequence[Comparison]) -> str:
    """A line for each group of pictures: the middle 80 % of each figure, and failures."""
    head = ["Pictures", "Count", *(figure.label for figure in HEADLINE), "Failures"]
    lines = [
        [
            of_group.group,
            str(of_group.pictures),
            *(shown_middle(difference) for difference in of_group.differences),
            f"{of_group.failures.before} to {of_group.failures.after}",
        ]
        for of_group in comparisons
    ]
    return aligned([head, *lines])


def _line(of: Difference) -> list[str]:
    means = [f"{of.before:.4f}", f"{of.after:.4f}"]
    return [
        of.figure.label,
        *means,
        shown_middle(of),
        f"{of.errors:+.1f}, {judged(of)}",
        str(of.gains),
        str(of.losses),
        shown_chance(of.chance),
    ]


def shown_middle(of: Difference) -> str:
    """The middle mean with its standard error, to five digits."""
    return f"{of.middle:+.5f} ± {of.error:.5f}"


def judged(of: Difference) -> str:
    """Better, worse or not settled."""
    if abs(of.errors) < SURE:
        return "not settled"
    return "better" if of.errors > 0 else "worse"


def shown_chance(chance: float) -> str:
    """A probability: three digits, or its power of ten."""
    return f"{chance:.3f}" if chance >= 0.001 else f"{chance:.0e}"


def failures_in_words(of: Failures) -> str:
    """The numbers of gross failures before and after, cured and new."""
    return (
        f"Gross failures: {of.before} before, {of.after} after; {of.cured} cured, {of.new} new "
        f"(p {shown_chance(of.chance)})."
    )


def to_plain(of: Comparison) -> dict[str, Any]:
    """A comparison as plain values, for JSON."""
    differences = {
        difference.figure.key: {
            key: value for key, value in difference._asdict().items() if key != "figure"
        }
        for difference in of.differences
    }
    return {
        "group": of.group,
        "pictures": of.pictures,
        "differences": differences,
        "failures": of.failures._asdict(),
    }
