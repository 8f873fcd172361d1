"""`salient VERB key=value ...`: finds the function of the verb and runs it. Quick to import."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from typing import Any

from salient.cli.help import usage
from salient.cli.verbs import VERBS, what_is_missing


def main() -> None:
    """The console command: the first argument is the verb."""
    try:
        _main()
    except BrokenPipeError:  # `salient -h | head -1` closes the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return
    if arguments[0] in ("-V", "--version"):
        from salient import __version__

        print(__version__)
        return
    verb = arguments[0]
    if verb == "completion":
        from salient.cli.completion import completion

        print(completion(arguments[1:]))
        return
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        sys.exit(f"error: {verb}: no such command; {guess}there are {', '.join(VERBS)}")
    # Lightning starts further processes as `python ARGV`, so the module of a verb is also a script.
    sys.argv = [module_file(verb), *arguments[1:]]
    sys.path.append("")  # a `_target_` may name a module of the working folder
    run(verb)


def run(verb: str) -> None:
    """Run a verb with the arguments of this process; a missing package is one line."""
    escape_unprintable(sys.stdout)
    arguments = sys.argv[1:]
    for flag in {"-h", "--help"} & set(arguments):
        after = arguments[arguments.index(flag) + 1 :]
        print(usage(verb, after[0] if after else None))
        return
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would look online for its version
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads slow others down
    try:
        from salient.cli.run import run_verb
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("salient"):
            raise
        sys.exit(f"error: {what_is_missing(verb, error)}")
    run_verb(verb, arguments)


def escape_unprintable(stream: Any) -> None:
    """Make a stream escape what it cannot encode, such as a name that is not UTF-8."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def overview() -> str:
    """The text of `salient --help`."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {about.summary}" for verb, about in VERBS.items()]
    return "\n".join(
        [
            "Salient object detection: train, score, detect.",
            "",
            "  salient COMMAND key=value ...     salient COMMAND --help lists its keys",
            "",
            *lines,
            "  completion bash|zsh|fish: a script for your shell",
            "",
            "  salient predict photo.jpg output=maps",
            "  salient eval dataset=ecssd",
            "  salient train dataset=duts_tr",
        ]
    )


def module_file(verb: str) -> str:
    """The file of a verb's module, without importing it."""
    return str(Path(__file__).resolve().parents[1] / "commands" / f"{verb}.py")
