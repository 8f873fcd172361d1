"""Checks a configuration before anything is built: every key is known, every value has its type.

A node with a `_target_` is checked against the signature of that callable, so a parameter is
declared once, where it is used. Types are strict: `true` is not a number, and no number is infinite
or NaN. Bounds are in the signature too: `Annotated[int, Field(ge=1)]`. If a callable passes its
other keywords on to another one, `passes_on` names it, and its signature is checked too. The
metadata of a checkpoint is checked in the same way, and so are calls from Python of `checked`
functions.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib
import inspect
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

F = TypeVar("F", bound=Callable[..., Any])
SHORTER = {  # pydantic's words and ours
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "above",
    "less than": "below",
    "a valid ": "a ",
    "a integer": "an integer",
}

# Types of several signatures.
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\W_][^/\\\x00-\x1f\x7f]*$")]
Count = Annotated[int, Field(ge=1, le=4096)]
Share = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Amount = Annotated[int, Field(ge=0, le=10**6)]
Workers = Annotated[int, Field(ge=0, le=256)]
AnyPath = Annotated[str, "a path: a command line's value is taken as it is typed"]


class ConfigError(ValueError):
    """A wrong key or value. The message begins with its name or its address.

    A constructor names its own parameter. The code that builds the object adds the address of the
    node: `at("loader")`.
    """

    def at(self, key: str) -> ConfigError:
        """The same error, with `key` as the address of the node."""
        return ConfigError(f"{key}.{self}" if key else str(self))


def passes_on(target: Callable[..., Any], without: Sequence[str] = ()) -> Callable[[F], F]:
    """Declare that a function passes its `**keywords` on to `target`, except some."""

    def mark(function: F) -> F:
        function.__dict__["passes_on"] = target
        function.__dict__["without"] = without
        return function

    return mark


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
    parameters, hints, open_ended = _parameters(target)
    for key, value in config.items():
        if key in ("_target_", "_partial_", "_convert_"):
            continue
        path, key = f"{prefix}{key}", str(key)
        if key not in parameters and not open_ended:
            raise ConfigError(f"{path}: {_unknown(key, list(parameters), target.__name__)}")
        _check_nested(value, path)
        if not _has_target(value):
            check_value(value, hints.get(key, Any), path)
    if not config.get("_partial_"):
        for key, parameter in parameters.items():
            if parameter.default is parameter.empty and key not in config:
                raise ConfigError(f"{prefix}{key}: missing; {target.__name__} needs it")


def _parameters(target: Callable[..., Any]) -> tuple[dict[str, Parameter], dict[str, Any], bool]:
    """The named parameters of a callable, their types, and whether it takes other names too."""
    everything = inspect.signature(target).parameters.values()
    named = {p.name: p for p in everything if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    hints = _hints(target)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in everything)
    inner = getattr(target, "passes_on", None)
    if inner is not None:
        more, more_hints, open_ended = _parameters(inner)
        more = {k: v for k, v in more.items() if k not in getattr(target, "without", ())}
        named, hints = more | named, more_hints | hints
    named.pop("self", None)
    return named, hints, open_ended


def _unknown(key: str, known: list[str], owner: str) -> str:
    return f"unknown key; {did_you_mean(key, known)}{owner} takes {', '.join(known)}"


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """`did you mean WORD? ` with the known word nearest to `name`, or an empty text."""
    near = difflib.get_close_matches(name.lower(), known, 1)
    return f"did you mean {near[0]}? " if near else ""


def _check_nested(value: Any, path: str) -> None:
    if isinstance(value, Mapping):
        check_config(value, None, f"{path}.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_nested(item, f"{path}.{index}")


def _has_target(value: Any) -> bool:
    """Whether an object will be built from the value."""
    if isinstance(value, Mapping):
        return "_target_" in value or any(map(_has_target, value.values()))
    return isinstance(value, list) and any(map(_has_target, value))


def check_value(value: Any, hint: Any, path: str) -> None:
    """Check a plain value against a type with its bounds.

    Raises:
        ConfigError: it is of another type, or outside the bounds.
    """
    try:
        adapter = _adapter(hint)
    except (PydanticSchemaGenerationError, PydanticUserError, NameError, TypeError):
        return  # a type that pydantic cannot describe: the target checks it itself
    try:  # as JSON, because strict types then accept a list as a tuple
        content = json.dumps(value, default=str, ensure_ascii=False)
        # a name that is not UTF-8 holds lone surrogates, which JSON cannot
        adapter.validate_json(content.encode(errors="replace"), strict=True)
    except ValidationError as error:
        raise ConfigError(f"{path}{_must(error)}, got {value!r:.80}") from error


def _must(error: ValidationError) -> str:
    """What a value must be, in words that follow its name."""
    first = error.errors()[0]
    problem = first["msg"].replace("Input should", "must").replace("String should", "must")
    for long, short in SHORTER.items():
        problem = problem.replace(long, short)
    place = "".join(f".{index}" for index in first["loc"] if isinstance(index, int))
    return f"{place} {problem}"


def _adapter(hint: Any) -> TypeAdapter[Any]:
    try:
        return _cached_adapter(hint)
    except TypeError:  # a type that cannot be hashed
        return _new_adapter(hint)


def _new_adapter(hint: Any) -> TypeAdapter[Any]:
    try:
        config = ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False)
        return TypeAdapter(hint, config=config)
    except PydanticUserError:  # a type with a config of its own
        return TypeAdapter(hint)


_cached_adapter = functools.cache(_new_adapter)


def checked(target: F) -> F:
    """Check each call of a function, or of a class's constructor, against its annotations.

    Plain values are checked, also in lists and dicts: types are strict, and bounds are those of the
    signature. Other objects are left to the type checker.

    Raises:
        ConfigError: on the call; the message names the parameter.
    """
    if inspect.isclass(target):
        setattr(target, "__init__", checked(target.__init__))  # noqa: B010 - mypy: a method
        return target
    signature = inspect.signature(target)

    @functools.wraps(target)
    def call(*arguments: Any, **keywords: Any) -> Any:
        hints = _hints(target)
        for name, value in signature.bind(*arguments, **keywords).arguments.items():
            if name in hints and _is_plain(value):
                check_value(value, hints[name], name)
        return target(*arguments, **keywords)

    return call  # type: ignore[return-value]


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _resolve(name: str, prefix: str) -> Callable[..., Any]:
    module, _, attribute = name.rpartition(".")
    try:
        target: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{prefix}_target_: there is no {name} ({error})") from error
    return target


@functools.cache
def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    function: Any = target.__init__ if inspect.isclass(target) else target
    if dataclasses.is_dataclass(target):
        function = target  # its fields may come from classes of several modules
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):
        return {}
