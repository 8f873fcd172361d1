"""Checks a composed config before anything is built: every key known, every value of its type.

A node with a `_target_` is checked against that callable's signature, so a parameter is declared
once, where it is used.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError


class ConfigError(ValueError):
    """A key or value of the config that is not right; the message names the key."""


def check_config(
    config: Mapping[str, Any], target: Callable[..., Any] | None = None, prefix: str = ""
) -> None:
    """Check `config`, plain dicts and lists, against `target` or the node's own `_target_`.

    Raises:
        ConfigError: an unknown key, a missing one, a value of another type, no such target.
    """
    name = str(config.get("_target_", ""))
    target = _resolve(name, prefix) if name else target
    if target is None:
        for key, value in config.items():
            _check_nested(value, f"{prefix}{key}")
        return
    signature = inspect.signature(target)
    hints = _hints(target)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    for key, value in config.items():
        if key in ("_target_", "_partial_", "_convert_"):
            continue
        path = f"{prefix}{key}"
        if key not in signature.parameters:
            if takes_any:
                continue
            known = ", ".join(k for k in signature.parameters if k != "self")
            raise ConfigError(f"{path}: unknown key; {target.__name__} takes {known}")
        _check_nested(value, path)
        if not _has_target(value):
            _check_type(value, hints.get(key, Any), path)
    if not config.get("_partial_"):
        for key, parameter in signature.parameters.items():
            required = parameter.default is parameter.empty and parameter.kind in (
                parameter.POSITIONAL_OR_KEYWORD,
                parameter.KEYWORD_ONLY,
            )
            if required and key not in config and name:
                raise ConfigError(f"{prefix}{key}: missing; {target.__name__} needs it")


def _check_nested(value: Any, path: str) -> None:
    if isinstance(value, Mapping):
        check_config(value, None, f"{path}.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_nested(item, f"{path}.{index}")


def _has_target(value: Any) -> bool:
    """Whether the value will be built into something else than the plain value it is now."""
    if isinstance(value, Mapping):
        return "_target_" in value or any(map(_has_target, value.values()))
    return isinstance(value, list) and any(map(_has_target, value))


def _check_type(value: Any, hint: Any, path: str) -> None:
    try:
        adapter: TypeAdapter[Any] = _adapter(hint)
    except (PydanticSchemaGenerationError, PydanticUserError, NameError):
        return  # a type that pydantic cannot describe: left to the target itself
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise ConfigError(f"{path}: {value!r} is not valid: {problem}") from error


def _adapter(hint: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a type with a config of its own
        return TypeAdapter(hint)


def _resolve(name: str, prefix: str) -> Callable[..., Any]:
    module, _, attribute = name.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{prefix}_target_: there is no {name} ({error})") from error
    return found


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    function = target.__init__ if inspect.isclass(target) else target
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError):
        return {}


@contextmanager
def errors_for_people() -> Iterator[None]:
    """End a command on a foreseen error with one line, not a traceback.

    `HYDRA_FULL_ERROR=1` shows the traceback. What is not foreseen shows it always.
    """
    try:
        yield
    except Exception as error:
        cause: BaseException = error
        while type(cause).__name__ == "InstantiationException" and cause.__cause__:
            cause = cause.__cause__  # Hydra's wrapper around a constructor's own error
        foreseen = (ValueError, FileNotFoundError, ConnectionError)
        if os.environ.get("HYDRA_FULL_ERROR") == "1" or not isinstance(cause, foreseen):
            raise
        sys.exit(f"error: {cause}")
