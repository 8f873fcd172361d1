"""The short version of `make soak`: all that was wrong once, and a few of each kind."""

from __future__ import annotations

import random

import pytest

from tests.soak import places, services, trials


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    """A picture, a text, a good network, a finished run."""
    folder = tmp_path_factory.mktemp("soak") / "work"
    trials.prepare(folder)
    return folder


def test_bad_checkpoints_are_answered_in_one_line(arena):
    tally = trials.Tally()
    trials.try_checkpoints(arena, tally, random.Random(1), share=0.025)
    assert not tally.wrong, tally.table()


def test_nonsense_is_answered_in_one_line(arena):
    tally = trials.Tally()
    trials.try_overrides(arena, tally, random.Random(1), share=0.015)
    assert not tally.wrong, tally.table()


def test_kills_lose_nothing(run, tmp_path):
    """In a process of its own, which forks."""
    shown = run(tmp_path, "-m", "tests.soak", "kills", "share=0.1").stdout
    assert shown.splitlines()[-1].split() == ["all", "3", "0", "3", "0", "0", "0", "0"]


def test_foreign_onnx_and_odd_names_are_answered_in_one_line(arena):
    tally = trials.Tally()
    places.try_onnx(arena, tally, random.Random(1), share=0.3)
    places.try_names(arena, tally)
    places.try_many(arena, tally, 200)
    assert not tally.wrong, tally.table()


def test_the_server_answers_what_is_no_good(arena):
    tally = trials.Tally()
    services.try_server(tally, random.Random(1))
    assert not tally.wrong and tally.counts["server"]["clear"] > 50, tally.table()
