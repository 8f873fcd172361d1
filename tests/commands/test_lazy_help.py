"""Hydra starts where argparse checks the help texts, as that of Python 3.14 does."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

import pytest

from salient.cli.lazy_help import mend_lazy_help
from salient.cli.run import run_verb
from salient.commands import export as module

HYDRA_MAIN = import_module("hydra.main")


@pytest.fixture
def checking(monkeypatch):
    """Argparse as in 3.14: each help is formatted when its option is added."""
    container, add = argparse._ActionsContainer, argparse._ActionsContainer.add_argument

    def check_help(self, action):
        if action.help and hasattr(self, "_get_formatter"):
            try:
                self._get_formatter()._expand_help(action)
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError("badly formed help string") from error

    def add_argument(self, *args, **kwargs):
        action = add(self, *args, **kwargs)
        self._check_help(action)
        return action

    monkeypatch.setattr(HYDRA_MAIN, "get_args_parser", HYDRA_MAIN.get_args_parser)  # put back after
    monkeypatch.setattr(container, "_check_help", check_help, raising=False)
    monkeypatch.setattr(container, "add_argument", add_argument)
    return check_help


class LazyHelp:
    def __repr__(self):
        return "made when it is printed"


def lazy_parser():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--lazy", action="store_true", help=LazyHelp())
    return parser


def test_the_check_refuses_a_help_that_is_no_string(checking):
    with pytest.raises(ValueError, match="badly formed help string"):
        lazy_parser()


def test_a_parser_with_such_a_help_is_made_and_the_check_comes_back(checking, monkeypatch):
    monkeypatch.setattr(HYDRA_MAIN, "get_args_parser", lazy_parser)
    mend_lazy_help()
    assert HYDRA_MAIN.get_args_parser().parse_args(["--lazy"]).lazy
    assert argparse._ActionsContainer._check_help is checking


def test_a_command_runs(checking, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["export", "output=model.onnx", "checkpoint=best"])
    calls = []

    def export(**config):
        calls.append(config)

    monkeypatch.setattr(module, "export", export)
    run_verb("export", sys.argv[1:])
    assert calls[0]["output"] == "model.onnx"


def test_nothing_changes_where_hydra_makes_its_parser(checking, monkeypatch):
    def mended():
        parser = argparse.ArgumentParser(add_help=False)
        parser.add_argument("--eager", help="a string")
        return parser

    monkeypatch.setattr(HYDRA_MAIN, "get_args_parser", mended)
    mend_lazy_help()
    assert HYDRA_MAIN.get_args_parser is mended
