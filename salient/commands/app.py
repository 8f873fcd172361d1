"""Runs a verb's function on its composed config, and answers what is wrong in one line."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import hydra
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    OmegaConfBaseException,
)

from salient.commands.usage import config_folder
from salient.commands.verbs import what_is_missing
from salient.config import ConfigError, check_config, did_you_mean

FORESEEN = (ValueError, OSError)  # ConnectionError is an OSError


def run_function(verb: str, function: Callable[..., Any]) -> None:
    """Compose `configs/<verb>.yaml` with this process's arguments, check it, call the function.

    The function takes the config's keys. An error that is foreseen ends the process with one line;
    `HYDRA_FULL_ERROR=1` shows the traceback. What is not foreseen shows it always.
    """
    register_resolvers()
    cv2.setNumThreads(0)  # parallelism is over pictures
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    # Hydra would print its own errors; with its variable set it leaves them to us.
    asked = os.environ.setdefault("SALIENT_FULL_ERROR", os.environ.get("HYDRA_FULL_ERROR", "0"))
    traceback = asked == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"

    @hydra.main(version_base="1.3", config_path=str(config_folder()), config_name=verb)
    def job(config: DictConfig) -> None:
        with in_one_line(verb, traceback):  # here, where Hydra has no word to add
            plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
            check_config(plain, function)
            function(**plain)

    with in_one_line(verb, traceback):
        job()


@contextmanager
def in_one_line(verb: str, traceback: bool) -> Iterator[None]:
    """End the process on a foreseen error with one line, unless its traceback is asked for."""
    try:
        yield
    except ModuleNotFoundError as error:
        if traceback or (error.name or "").startswith("salient"):
            raise
        sys.exit(f"error: {what_is_missing(verb, error)}")
    except Exception as error:
        line = None if traceback else explain(error)
        if line is None:
            raise
        sys.exit(f"error: {line}")


def register_resolvers() -> None:
    """What the YAML files call.

    `${joined:${dataset}}` is the sets' names with plus signs; `${needed:KEY}` stands where a value
    has to be given.
    """
    OmegaConf.register_new_resolver("joined", lambda node: "+".join(node or ()), replace=True)
    OmegaConf.register_new_resolver("needed", _needed, replace=True)


def _needed(key: str) -> str:
    raise ConfigError(f"{key}: missing; give {key}=VALUE")


def explain(error: BaseException) -> str | None:
    """A foreseen error in one line; None for one that is not foreseen."""
    while isinstance(error, InstantiationException) and error.__cause__:
        error = error.__cause__  # Hydra's wrapper around a constructor's own error
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={choice}: no such choice; {_guess(choice, error.options)}"
    if isinstance(error, OverrideParseException):
        return f"{error.override}: cannot be read; {str(error).splitlines()[0]}"
    if isinstance(error, ConfigCompositionException):
        cause = error.__cause__
        match = re.search(
            r"Could not (?:override|append to config|delete from config).*?'(.+?)'", str(error)
        )
        if isinstance(cause, ConfigAttributeError | ConfigKeyError) and match:
            known = getattr(cause, "parent_node", None)
            key = match[1].rpartition(".")[2]
            return f"{match[1]}: unknown key; {_guess(key, map(str, known or ()))}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        line = " ".join(str(error).splitlines()[0].split())
        return re.sub(r"^\w+ raised while resolving interpolation: ", "", line)
    return str(error) if isinstance(error, FORESEEN) else None


def _guess(name: str, known: Iterable[str]) -> str:
    known = sorted(word for word in known if not word.startswith("_") and word != "hydra")
    return f"{did_you_mean(name, known)}there are {', '.join(known)}"
