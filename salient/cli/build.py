"""Build the objects of a configuration, and add the node's address to the errors."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from salient.config import ConfigError
from salient.data.sets import PairSet
from salient.data.soft import SoftSet

T = TypeVar("T")


def build(node: dict[str, Any], key: str, kind: type[T], *arguments: Any, **more: Any) -> T:
    """Build the object of a node with a `_target_`; a partial one is called with the arguments.

    Raises:
        ConfigError: the constructor refuses a value or fails, or the object is not a `kind`.
        ValueError, OSError, ImportError: raised by the constructor.
    """
    if not isinstance(node, dict) or not isinstance(node.get("_target_"), str):
        raise ConfigError(f"{key}: {node!r:.80} has no _target_, the name of what to build")
    try:
        built = instantiate(node, _convert_="all")
        built = built(*arguments, **more) if node.get("_partial_") else built
    except Exception as error:
        cause: BaseException = error
        while isinstance(cause, InstantiationException) and cause.__cause__:
            inner = re.search(r"^full_key: (\S+)$", str(cause), re.MULTILINE)
            key = f"{key}.{inner[1]}" if inner else key  # of the node inside
            cause = cause.__cause__  # Hydra's wrapper around the constructor's own error
        if isinstance(cause, ConfigError):
            raise cause.at(key) from None
        if isinstance(cause, ValueError | OSError | ImportError):
            raise cause from None
        name = node["_target_"].rpartition(".")[2]
        problem = " ".join(str(cause).split()) or type(cause).__name__
        raise ConfigError(f"{key}: {name} refuses its values: {problem:.300}") from error
    if isinstance(built, SoftSet) and not issubclass(SoftSet, kind):
        raise ConfigError(f"{key}: its labels are a teacher's maps, for training only")
    if not isinstance(built, kind):
        raise ConfigError(
            f"{key}: its _target_ builds a {type(built).__name__}, not a {kind.__name__}"
        )
    return built


def build_sets(dataset: dict[str, Any]) -> list[PairSet]:
    """The sets of the group `dataset`. Raises as `build`."""
    return [build(node, f"dataset.{key}", PairSet) for key, node in dataset.items()]


def build_training_sets(dataset: dict[str, Any]) -> list[PairSet | SoftSet]:
    """The sets of the group `dataset`, which may include soft ones. Raises as `build`."""
    built: list[PairSet | SoftSet] = []
    for key, node in dataset.items():
        one = build(node, f"dataset.{key}", object)
        if not isinstance(one, PairSet | SoftSet):
            made = type(one).__name__
            raise ConfigError(
                f"dataset.{key}: its _target_ builds a {made}, not a PairSet or SoftSet"
            )
        built.append(one)
    return built


def build_group(nodes: dict[str, Any], group: str, kind: type[T]) -> list[T]:
    """The callbacks or loggers of a group, in order; null leaves one out. Raises as `build`.

    Raises:
        ModuleNotFoundError: one needs a package that is not installed; the message names it.
    """
    built = []
    for key, node in nodes.items():
        if node is None:
            continue
        try:
            built.append(build(node, f"{group}.{key}", kind))
        except ModuleNotFoundError as error:
            package = (error.name or key).partition(".")[0]
            raise ModuleNotFoundError(
                f"{group}.{key}: needs a package that is not installed; pip install {package}"
            ) from error
    return built
