"""Lets hydra-core 1.3.8 start on Python 3.14.

The help of one of Hydra's options is an object with a `__repr__` instead of a string. Since Python
3.14 argparse formats each help at once and refuses it (issue 3121 of facebookresearch/hydra).
"""

from __future__ import annotations

import argparse
from functools import partial
from importlib import import_module
from typing import Any


def mend_lazy_help() -> None:
    """Let Hydra create its parser without argparse's check of help texts, if it otherwise fails.

    Nothing is changed if Hydra can create its parser, as on older Pythons or with a fixed release.
    """
    hydra_main: Any = import_module("hydra.main")  # `hydra.main` itself is the decorator
    make_parser = hydra_main.get_args_parser
    try:
        make_parser()
    except ValueError:
        hydra_main.get_args_parser = partial(_without_check, make_parser)


def _without_check(make_parser: Any) -> argparse.ArgumentParser:
    container: Any = argparse._ActionsContainer
    check = container._check_help
    container._check_help = lambda self, action: None
    try:
        parser: argparse.ArgumentParser = make_parser()
    finally:
        container._check_help = check
    return parser
