"""The text of `salient VERB --help`, from signatures, docstrings and YAML files."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from salient.cli.signatures import UNKNOWN, Signature, read_signature
from salient.distribution import config_folder

WIDTH = 110
NAMES = 34  # width of the column of keys


def usage(verb: str, part: str | None = None) -> str:
    """A verb's summary, its keys with their defaults, and its groups; or the keys of one group."""
    stated = read_yaml(config_folder() / f"{verb}.yaml")
    if part is not None:
        return _usage_of_group(verb, part, stated)
    signature = read_signature(f"salient.commands.{verb}.{verb}")
    assert signature is not None
    groups = dict(groups_of(stated))
    keys = Signature(signature.name, "", {k: v for k, v in signature.arguments.items()
                                          if k not in groups})  # fmt: skip
    sections = [_head(verb), "\n".join(["Keys:", *_rows(keys, stated)])]
    if groups:
        sections.append("\n".join(["Groups:", *_choices(groups)]))
        sections.append(
            f"To set a key of a group: GROUP.KEY=value; salient {verb} --help GROUP lists them.\n"
            f"To print the whole configuration: salient {verb} --cfg job"
        )
    return "\n\n".join(sections)


def read_yaml(file: Path) -> dict[str, Any]:
    """The content of a YAML file, without its `defaults` resolved."""
    return yaml.safe_load(file.read_text()) or {}


def groups_of(stated: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(group, its default choice) of a verb."""
    for entry in stated.get("defaults", []):
        if isinstance(entry, dict):
            yield from entry.items()


def choices(group: str) -> list[str]:
    """The YAML files of a group."""
    return sorted(path.stem for path in (config_folder() / group).glob("*.yaml"))


def nodes_of(group: str, choice: str) -> dict[str, Any]:
    """A choice of a group together with the choice it is based on, one level deep."""
    stated = read_yaml(config_folder() / group / f"{choice}.yaml")
    node: dict[str, Any] = {}
    for base in stated.pop("defaults", []):
        if isinstance(base, str) and base != "_self_":
            node |= nodes_of(group, base)
    return node | stated


def _head(verb: str) -> str:
    """The docstring of a verb's module: a summary and examples."""
    file = Path(__file__).resolve().parents[1] / "commands" / f"{verb}.py"
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    parts = text.split("\n\n")
    return "\n\n".join(textwrap.indent(p, "  ") if p.startswith("salient ") else p for p in parts)


def _usage_of_group(verb: str, group: str, stated: dict[str, Any]) -> str:
    groups = dict(groups_of(stated))
    if group not in groups:
        there = f"; there are {', '.join(groups)}" if groups else ""
        return f"{group}: salient {verb} has no such group{there}"
    names = choices(group)
    lines = [f"{group}: {' '.join(names)}", ""]
    choice = groups[group] if groups[group] in names else None
    node = nodes_of(group, choice) if choice else {}
    place = _place(group, choice) if choice else group
    nodes = {place: node} if "_target_" in node else {f"{group}.{k}": v for k, v in node.items()}
    for path, inner in nodes.items():
        lines += _rows_of_node(inner, f"{path}.")
    return "\n".join(lines)


def _place(group: str, choice: str) -> str:
    """Where a choice is in the configuration: the `# @package` of its YAML, or its group."""
    first = (config_folder() / group / f"{choice}.yaml").read_text().partition("\n")[0]
    return first.removeprefix("# @package ") if first.startswith("# @package ") else group


def _rows_of_node(node: Any, prefix: str) -> list[str]:
    signature = read_signature(str(node.get("_target_", ""))) if isinstance(node, dict) else None
    return _rows(signature, node, prefix) if signature else []


def _rows(signature: Signature, stated: dict[str, Any], prefix: str = "") -> list[str]:
    """`key=default  text` for each argument, followed by those of nodes."""
    rows: list[str] = []
    for key, argument in signature.arguments.items():
        value = stated.get(key, argument.default)
        if key in signature.foreign and key not in stated:
            continue
        if isinstance(value, dict):
            rows += _rows_of_node(value, f"{prefix}{key}.")
        elif not (value is UNKNOWN and prefix):  # what the config does not set
            name = f"{prefix}{key}={_in_words(value)}"
            rows.append(_row(name, argument.text))
    return rows


def _row(name: str, text: str) -> str:
    wrapped = textwrap.wrap(text, WIDTH - NAMES - 4)
    first = f"  {name:<{NAMES}}  {wrapped[0] if wrapped else ''}".rstrip()
    return "\n".join([first, *(" " * (NAMES + 4) + line for line in wrapped[1:])])


def _in_words(value: Any) -> str:
    if value is None or value is UNKNOWN:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).replace("'", "")
    return "..." if text.startswith("${") else text


def _choices(groups: dict[str, Any]) -> Iterator[str]:
    """`GROUP  choices`, the default of each first, in brackets."""
    for group, default in groups.items():
        names = choices(group)
        if default in names:
            names.remove(default)
            names.insert(0, f"[{default}]")
        yield _group_row(group, names)
        for inner in sorted(path.name for path in (config_folder() / group).glob("*/")):
            yield _group_row(f"{group}/{inner}", choices(f"{group}/{inner}"))


def _group_row(group: str, names: list[str]) -> str:
    text = textwrap.fill(" ".join(names), WIDTH - 18)
    return textwrap.indent(text, " " * 18).replace(" " * 18, f"  {group:<16}", 1)
