"""`salient VERB key=value ...`: which function each verb runs. Light to import."""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from salient.commands.usage import config_folder, usage


class Verb(NamedTuple):
    """A command: what it does in a line, and the extra of `pip install` that it needs, if any."""

    summary: str
    extra: str | None = None


# Each is the function of its own name in the module of its name, and configs/VERB.yaml.
VERBS = {
    "train": Verb("train a network and publish its weights", "train"),
    "eval": Verb("score a network or saved maps beside the published table"),
    "predict": Verb("pictures in, saliency maps (or cut-outs, masks, ...) out"),
    "export": Verb("write a network for other runtimes, and check it there", "export"),
    "weights": Verb("say what a checkpoint is, or convert it"),
    "doctor": Verb("say what is installed, which sets are there, what would run"),
    "strip": Verb("draw rows of picture | truth | maps"),
}


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
    sys.argv = [import_file(verb), *arguments[1:]]
    sys.path.append("")  # a `_target_` may name a module of the working folder
    run(verb)


def run(verb: str) -> None:
    """Run a verb with the arguments of this process; what it lacks is named in one line."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(usage(config_folder(), verb))
        return
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for its version
    try:
        module = import_module(f"salient.commands.{verb}")
        from salient.commands.app import run_function
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "salient":
            raise
        extra = VERBS[verb].extra
        name = f"'salient[{extra}]'" if extra else "salient"
        sys.exit(
            f"error: salient {verb}: the package {package} is not installed; pip install {name}, "
            "or in a checkout pip install -r requirements.txt"
        )
    if hasattr(module, "adapt_arguments"):
        sys.argv[1:] = module.adapt_arguments(sys.argv[1:])
    run_function(verb, getattr(module, verb))


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
            "  salient predict input=photo.jpg output=maps",
            "  salient eval dataset=ecssd",
            "  salient train dataset=duts_tr",
        ]
    )


def import_file(verb: str) -> str:
    """The file of a verb's module, without importing it."""
    return str(Path(__file__).resolve().with_name(f"{verb}.py"))
