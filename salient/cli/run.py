"""Run a verb's function on its composed configuration, and print errors in one line."""

from __future__ import annotations

import errno
import itertools
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import hydra
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    OmegaConfBaseException,
)

from salient.cli import training
from salient.cli.arguments import check_options, divide, prepare
from salient.cli.composition import use_signatures, verb_signature
from salient.cli.lazy_help import mend_lazy_help
from salient.cli.verbs import VERBS, what_is_missing
from salient.config import ConfigError, Word, check_config, check_value, did_you_mean
from salient.devices import OUT_OF_MEMORY
from salient.distribution import config_folder
from salient.files import printable

EXPECTED = (ValueError, OSError)  # ConnectionError is an OSError
PROBLEMS = {
    errno.ENOSPC: "no space is left on the disk; what was there before is whole",
    errno.EDQUOT: "the quota is used up; what was there before is whole",
    errno.EROFS: "cannot be written; name another folder",
    errno.EACCES: "cannot be read or written by this user; name another",
    errno.EPERM: "cannot be written by this user; name another folder",
    errno.ENOTDIR: "there is a file where a folder is needed",
    errno.EEXIST: "there is a file where a folder is needed",
    errno.EISDIR: "there is a folder where a file is needed",
}


def run_verb(verb: str, arguments: list[str]) -> None:
    """Compose a verb's config from this process's arguments, check it, call the verb's function.

    The keys are checked against signatures before the function's module is imported. Expected
    errors, and all errors while composing, end the process with one line; `HYDRA_FULL_ERROR=1`
    shows their traceback. Unexpected errors always show it.
    """
    prepare_process(verb)
    # Hydra would print its own errors; with this variable set, it raises them.
    asked = os.environ.setdefault("SALIENT_FULL_ERROR", os.environ.get("HYDRA_FULL_ERROR", "0"))
    traceback = asked == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"
    with in_one_line(verb, traceback):
        sys.argv[1:], given = adapt(verb, arguments)
    mend_lazy_help()
    job = Job(verb, given, traceback)
    try:
        hydra.main(version_base="1.3", config_path=str(config_folder()), config_name=verb)(job)()
    except (Exception, KeyboardInterrupt):
        with in_one_line(verb, traceback, job.expected):
            raise


class Job:
    """Calls a verb's function on a composed config, here or where a launcher unpickles it.

    Args:
        verb: its name.
        given: values that Hydra does not read.
        traceback: whether expected errors show theirs.
    """

    def __init__(self, verb: str, given: dict[str, Any], traceback: bool) -> None:
        self.verb, self.given, self.traceback = verb, given, traceback
        self.program = sys.argv[0]
        # While Hydra composes, any error is the arguments' fault.
        self.expected: Sequence[type[Exception]] = (Exception,)

    def __call__(self, config: DictConfig) -> None:
        self.expected = EXPECTED
        with in_one_line(self.verb, self.traceback):  # here, where Hydra has no word to add
            plain: dict[str, Any] = OmegaConf.to_container(  # type: ignore[assignment]
                config, resolve=True, throw_on_missing=True
            )
            for key, value in self.given.items():
                if plain.get(key) is not None:
                    raise ConfigError(f"{key}: given twice, as {key}= and as {value[0]}")
                plain[key] = value
            function = getattr(import_module(f"salient.commands.{self.verb}"), self.verb)
            check_config(plain, function)
            function(**plain)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        sys.argv = [self.program]
        prepare_process(self.verb)


def prepare_process(verb: str) -> None:
    """Prepare this process to compose and run a verb."""
    register_resolvers()
    use_signatures(verb)
    cv2.setNumThreads(0)  # parallelism is over pictures
    warnings.formatwarning = lambda message, *_, **__: f"warning: {_tidy(str(message))}\n"


def adapt(verb: str, arguments: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The arguments for Hydra, and the values that it does not read.

    Raises:
        SystemExit: an option should be a key.
    """
    check_options(arguments)
    if verb == "train":
        arguments = training.adapt_arguments(arguments)
    key, paths = VERBS[verb].paths, list[str]()
    if key is not None:
        arguments, paths = divide(arguments)
    overrides, given = prepare(arguments, verb, verb_signature(verb))
    return overrides, given | ({key: paths} if key is not None and paths else {})


@contextmanager
def in_one_line(
    verb: str, traceback: bool, expected: Sequence[type[Exception]] = EXPECTED
) -> Iterator[None]:
    """End the process on an expected error with one line, or with a traceback if asked.

    Control characters, for instance in file names, are escaped.
    """
    try:
        yield
    except KeyboardInterrupt:
        print("\ninterrupted; files that were already written are kept", file=sys.stderr)
        sys.exit(130)
    except SystemExit as end:
        sys.exit(_tidy(end.code) if isinstance(end.code, str) else end.code)
    except ModuleNotFoundError as error:
        if traceback or (error.name or "").startswith("salient"):
            raise
        sys.exit(f"error: {what_is_missing(verb, error)}")
    except Exception as error:
        line = None if traceback else explain(error, expected)
        if line is None:
            raise
        sys.exit(f"error: {_tidy(line)}")


def _tidy(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def _joined(names: Iterable[str] | None) -> str:
    """`a+b+c` of up to five data sets; of more, their number, because a name has to be short."""
    known = list(names or ())
    return "+".join(known) if len(known) <= 5 else f"{len(known)}_sets"


def register_resolvers() -> None:
    """Register the functions that the YAML files use.

    `${joined:${dataset}}` is the names of the sets with plus signs; `${needed:KEY}` marks a value
    that has to be given; `${word:KEY,VALUE}` is a value that may be part of a file's name;
    `${claimed:FOLDER,FILE}` is a folder that no other run uses, marked by the file;
    `${size_of:CHECKPOINT}` is the side in pixels of the squares that its network takes.
    """
    OmegaConf.register_new_resolver("joined", _joined, replace=True)
    OmegaConf.register_new_resolver("needed", _needed, replace=True)
    OmegaConf.register_new_resolver("word", _word, replace=True)
    OmegaConf.register_new_resolver("claimed", claim_folder, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("size_of", _size_of, replace=True, use_cache=True)


def _size_of(start: str) -> int:
    from salient.weights.find import find_checkpoint
    from salient.weights.store import load_network  # PyTorch: not for every verb

    return load_network(find_checkpoint(start, key="start")).size


def _needed(key: str) -> str:
    raise ConfigError(f"{key}: missing; give {key}=VALUE")


def _word(key: str, value: Any) -> Any:
    check_value(value, Word, key)
    return value


def claim_folder(folder: str, mark: str) -> str:
    """Create a folder that no other run uses: with this name, or with the first free number added.

    Further processes of the same run, which have a rank, use the name unchanged.

    Raises:
        OSError: it cannot be created.
    """
    if os.environ.get("RANK", "0") != "0":
        return folder
    for number in itertools.count(1):
        claimed = Path(folder if number == 1 else f"{folder}-{number}")
        claimed.mkdir(parents=True, exist_ok=True)
        try:
            (claimed / mark).touch(exist_ok=False)
        except FileExistsError:
            continue
        return str(claimed)
    raise AssertionError


def explain(error: BaseException, expected: Sequence[type[Exception]] = EXPECTED) -> str | None:
    """An expected error in one line; None for an unexpected one."""
    if isinstance(error.__cause__, ConfigError | OSError) and isinstance(
        error, HydraException | OmegaConfBaseException
    ):
        error = error.__cause__  # a resolver's own error
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
    if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)):
        return "out of memory; lower batch_size, or the size of the network or the pictures"
    if isinstance(error, RuntimeError) and "DataLoader worker" in str(error):
        return "a worker of the loader was killed, perhaps for its memory; lower loader.workers"
    if isinstance(error, OSError) and error.strerror:
        what = PROBLEMS.get(error.errno or 0, error.strerror.lower())
        return f"{error.filename or 'a file'}: {what}"
    return str(error) or type(error).__name__ if isinstance(error, tuple(expected)) else None


def _guess(name: str, known: Iterable[str]) -> str:
    known = sorted(word for word in known if not word.startswith("_") and word != "hydra")
    return f"{did_you_mean(name, known)}there are {', '.join(known)}"
