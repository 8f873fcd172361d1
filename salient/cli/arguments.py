"""Prepare the arguments of a command line for Hydra: options, bare paths, names of any kind."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException

from salient.cli.signatures import Argument, Signature, read_signature
from salient.distribution import config_folder

# Hydra's own options, and those with a value.
OPTIONS = (
    *("-c", "--cfg", "-p", "--package", "-cp", "--config-path", "-cn", "--config-name", "-cd"),
    *("--config-dir", "-i", "--info", "-m", "--multirun", "-r", "--run", "--resolve", "-sc"),
    *("--shell-completion", "--hydra-help", "--experimental-rerun"),
)
OVERRIDE = re.compile(r"(?P<sign>\+{0,2})(?P<key>[\w.]+)=(?P<value>.*)", re.DOTALL)


def check_options(arguments: Sequence[str]) -> None:
    """Refuse an option such as `--mode cutout` that should be a key.

    Raises:
        SystemExit: with a message that has the key.
    """
    for index, argument in enumerate(arguments):
        if argument == "--":
            return
        name = argument.partition("=")[0]
        known = name in OPTIONS or not argument.startswith("-") or os.path.lexists(argument)
        if known or argument == "-":  # standard input
            continue
        key, _, value = argument.lstrip("-").partition("=")
        rest = [a for a in arguments[index + 1 : index + 2] if not a.startswith("-")]
        key = {"o": "output", "i": "input"}.get(key, key.replace("-", "_"))
        value = value or (rest or ["VALUE"])[0]
        raise SystemExit(f"error: {argument}: options are key=value: {key}={value}")


def divide(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide arguments into those for Hydra and bare paths, which may contain any characters.

    An argument is a path if that file or folder exists, if it has no equals sign, or if it follows
    `--`. The argument after an option such as `--cfg` belongs to the option.
    """
    overrides: list[str] = []
    paths: list[str] = []
    for index, argument in enumerate(arguments):
        if argument == "--":
            return overrides, paths + list(arguments[index + 1 :])
        before = arguments[index - 1] if index else ""
        option = argument.startswith("~") or (argument.startswith("-") and argument != "-")
        option = option or before.startswith("--")
        is_path = os.path.exists(argument) or "=" not in argument  # noqa: PTH110 - any text
        (paths if is_path and not option else overrides).append(argument)
    return overrides, paths


def prepare(
    arguments: Sequence[str], verb: str, signature: Signature
) -> tuple[list[str], dict[str, Any]]:
    """Overrides in Hydra's grammar, and separately the values that it cannot express.

    Paths are taken literally.
    """
    folder = config_folder()
    stated = yaml.safe_load((folder / f"{verb}.yaml").read_text())
    sweeps = any(argument in ("-m", "--multirun") for argument in arguments)
    overrides: list[str] = []
    given: dict[str, Any] = {}
    for argument in arguments:
        match = OVERRIDE.fullmatch(argument)
        if not match or match["key"].startswith("hydra.") or (folder / match["key"]).is_dir():
            overrides.append(argument)
            continue
        key, value = match["key"], match["value"]
        table = _table(value)
        if table is not None:
            given[key] = table
            continue
        target = _argument_of(key, stated, signature)
        if not sweeps and _is_list(value, target):
            value = f"[{value}]"
        elif _is_literal(value, target, sweeps):
            value = _quoted(value)
        sign = "++" if match["sign"] else ""  # needless, but never wrong
        overrides.append(f"{sign}{key}={value}")
    return overrides, given


def _argument_of(key: str, stated: dict[str, Any], signature: Signature) -> Argument | None:
    """The parameter that a key sets, of the verb or of a node in the verb's YAML."""
    top, _, inner = key.partition(".")
    node = stated.get(top)
    if inner and isinstance(node, dict) and "_target_" in node:
        found = read_signature(str(node["_target_"]))
        return found.arguments.get(inner) if found else None
    return signature.arguments.get(key)


def _is_list(value: str, argument: Argument | None) -> bool:
    """Whether a value such as `a,b` is for a parameter that takes a list."""
    if argument is None or "list[" not in argument.annotation:
        return False
    try:
        return bool(OverridesParser.create().parse_override(f"key={value}").is_choice_sweep())
    except HydraException:
        return False


def _is_literal(value: str, argument: Argument | None, sweeps: bool) -> bool:
    """Whether a value is literal text, not an expression of Hydra's grammar."""
    kind = argument.annotation if argument else ""
    try:
        parsed = OverridesParser.create().parse_override(f"key={value}")
    except HydraException:
        return not value.startswith(("[", "{") if re.search(r"list\[|dict\[", kind) else "'\"")
    element = parsed.value()
    if parsed.is_sweep_override():
        return not sweeps and "AnyPath" in kind
    if element is None or isinstance(element, str | QuotedString):
        return False
    if isinstance(element, list | dict) and re.search(r"list\[|dict\[", kind):
        return False
    return "AnyPath" in kind


def _table(value: str) -> dict[str, Any] | None:
    """A table with names that Hydra's grammar cannot express, such as `{"F3_Net & 50%": DIR}`."""
    if not value.startswith("{"):
        return None
    try:
        OverridesParser.create().parse_override(f"key={value}")
    except HydraException:
        try:
            table = yaml.safe_load(value)
        except yaml.YAMLError:
            return None
        return table if isinstance(table, dict) else None
    return None


def _quoted(value: str) -> str:
    """A value quoted so that Hydra's grammar and OmegaConf's interpolations do not change it."""
    value = re.sub(r"(\\*)'", r"\1\1\\'", value)
    value = re.sub(r"(\\+)$", r"\1\1", value)
    return "'" + value.replace("${", "\\${") + "'"
