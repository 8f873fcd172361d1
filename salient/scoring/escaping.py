"""Escape names for tables, so that any characters are shown as they are."""

from __future__ import annotations

LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def for_markdown(text: str) -> str:
    """A cell of a Markdown table, with bars escaped."""
    return text.replace("|", "\\|")


def for_latex(text: str) -> str:
    """Text for LaTeX, its special characters as commands."""
    return "".join(LATEX.get(character, character) for character in text)
