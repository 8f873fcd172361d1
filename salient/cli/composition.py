"""Complete Hydra's configurations with the keys and defaults of signatures."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from salient.cli.signatures import Signature, read_signature
from salient.cli.verbs import RENAMED
from salient.config import ConfigError

OURS = "salient."  # nodes of other packages are not completed
MANY = 30  # names in a message
_apply_overrides = ConfigLoaderImpl._apply_overrides_to_config


def use_signatures(verb: str) -> None:
    """Make Hydra complete the configurations of a verb from now on.

    An override may set a key that is in no YAML. Each node then gets the missing defaults of its
    signature. Keys that no signature has are refused before anything is imported or written.
    """
    signature = verb_signature(verb)

    def apply(overrides: list[Any], config: DictConfig) -> None:
        with open_dict(config):
            _apply_overrides(overrides, config)
            _add(config, signature.defaults())
            for key in config:
                if key != "hydra":
                    complete(config._get_node(key))
        plain: Any = OmegaConf.to_container(config, resolve=False)
        check_keys({key: value for key, value in plain.items() if key != "hydra"}, signature)

    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply)


def complete(node: Any) -> None:
    """Add the defaults of the signature to each node with a `_target_` in this package."""
    if isinstance(node, ListConfig | DictConfig) and not (
        node._is_none() or node._is_missing() or node._is_interpolation()
    ):
        if isinstance(node, DictConfig):
            target = node._get_node("_target_")
            name = str(target) if target is not None else ""
            signature = read_signature(name) if name.startswith(OURS) else None
            _add(node, signature.defaults() if signature else {})
        keys: Any = node.keys() if isinstance(node, DictConfig) else range(len(node))
        for key in keys:
            complete(node._get_node(key))


def _add(node: DictConfig, defaults: Mapping[str, Any]) -> None:
    for key, value in defaults.items():
        if key not in node.keys():  # noqa: SIM118 - `in` alone would resolve an interpolation
            node[key] = value


def verb_signature(verb: str) -> Signature:
    """The signature of the function behind `salient VERB`."""
    signature = read_signature(f"salient.commands.{verb}.{verb}")
    if signature is None:
        raise ConfigError(f"salient/commands/{verb}.py: has no function {verb}")
    return signature


def check_keys(config: Mapping[str, Any], signature: Signature) -> None:
    """Check every key of a verb's config against the signatures, importing nothing.

    Raises:
        ConfigError: a key is unknown; the message has the nearest, or its new name.
    """
    keys = list(_keys(config, signature, ""))
    known = [key for key, is_known in keys if is_known]
    for key, is_known in keys:
        if not is_known:
            raise ConfigError(f"{key}{unknown(key, known)}")


def unknown(key: str, known: list[str]) -> str:
    """The message after the name of an unknown key: its new name, or the known keys."""
    before, _, last = key.rpartition(".")
    if last in RENAMED:
        return f" was renamed: {before}{'.' if before else ''}{RENAMED[last]}"
    near = nearest(key, known)
    guess = f"did you mean {near}? " if near else ""
    siblings = [k.rpartition(".")[2] for k in known if k.rpartition(".")[0] == before]
    if guess and len(siblings) > MANY:
        return f": unknown key; {guess.strip()}"
    return f": unknown key; {guess}there are {', '.join(sorted(siblings))}"


def nearest(key: str, known: list[str]) -> str | None:
    """The most similar known key, next to it or elsewhere with nearly the same last part."""
    before, _, last = key.rpartition(".")
    siblings = [k for k in known if k.rpartition(".")[0] == before]
    names = {k.rpartition(".")[2]: k for k in siblings}
    if near := difflib.get_close_matches(last.lower(), names, 1):
        return names[near[0]]
    elsewhere = {k.rpartition(".")[2]: k for k in reversed(known)}
    if near := difflib.get_close_matches(last.lower(), elsewhere, 1):
        return elsewhere[near[0]]
    return None


def _keys(node: Any, signature: Signature | None, prefix: str) -> Iterator[tuple[str, bool]]:
    """(key, whether it is known) for the keys of a node and of the nodes inside it.

    All keys of a node count as known if its signature cannot be read or accepts any name.
    """
    arguments = signature.arguments if signature else {}
    is_open = signature is None or signature.takes_any
    for key in map(str, dict.fromkeys([*arguments, *node])):
        if key.startswith("_") and key.endswith("_"):
            continue
        is_known = is_open or key in arguments
        yield f"{prefix}{key}", is_known
        value = node.get(key) if is_known else None
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            path = f"{prefix}{key}.{index}." if isinstance(value, list) else f"{prefix}{key}."
            if isinstance(item, Mapping):
                target = str(item.get("_target_", ""))
                yield from _keys(item, read_signature(target) if target else None, path)
