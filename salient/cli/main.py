"""`salient VERB key=value ...`: finds the function of the verb and runs it. Light to import."""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module
from pathlib import Path

from salient.cli.help import config_folder, usage
from salient.cli.verbs import VERBS, what_is_missing


def main() -> None:
    """The console command: the first argument is the verb."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return
    if arguments[0] in ("-V", "--version"):
        from salient import __version__

        print(__version__)
        return
    verb = arguments[0]
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        sys.exit(f"error: {verb}: no such verb; {guess}there are {', '.join(VERBS)}")
    # Lightning starts further processes as `python ARGV`: the module of the verb is a script too.
    sys.argv = [module_file(verb), *arguments[1:]]
    sys.path.append("")  # a `_target_` may name a module of the working folder
    run(verb)


def run(verb: str) -> None:
    """Run a verb with the arguments of this process; what it lacks is named in one line."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(usage(config_folder(), verb))
        return
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for its version
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        module = import_module(f"salient.commands.{verb}")
        from salient.cli.run import run_function
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("salient"):
            raise
        sys.exit(f"error: {what_is_missing(verb, error)}")
    given: dict[str, list[str]] = {}
    if hasattr(module, "adapt_arguments"):
        sys.argv[1:] = module.adapt_arguments(sys.argv[1:])
    key = VERBS[verb].paths
    if key is not None:
        sys.argv[1:], paths = divide(sys.argv[1:])
        given = {key: paths} if paths else {}
    run_function(verb, getattr(module, verb), given)


def divide(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments of Hydra, and those that are paths, whose names may hold anything.

    A path is what exists as a file or folder, what has no equals sign, and all after `--`. What
    follows an option such as `--cfg` belongs to it.
    """
    overrides: list[str] = []
    paths: list[str] = []
    for index, argument in enumerate(arguments):
        if argument == "--":
            return overrides, paths + arguments[index + 1 :]
        before = arguments[index - 1] if index else ""
        option = argument.startswith(("-", "~")) or before.startswith("-")
        is_path = os.path.exists(argument) or "=" not in argument  # noqa: PTH110 - any text
        (paths if is_path and not option else overrides).append(argument)
    return overrides, paths


def overview() -> str:
    """What `salient --help` prints."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {about.summary}" for verb, about in VERBS.items()]
    return "\n".join(
        [
            "Salient object detection: train, score, detect.",
            "",
            "  salient VERB key=value ...     salient VERB --help lists its keys",
            "",
            *lines,
            "",
            "  salient predict photo.jpg output=maps",
            "  salient eval dataset=ecssd",
            "  salient train dataset=duts_tr",
        ]
    )


def module_file(verb: str) -> str:
    """The file of a verb's module, without importing it."""
    return str(Path(__file__).resolve().parents[1] / "commands" / f"{verb}.py")
