"""The short version of `make soak`: all that was wrong once, and a few of each kind."""

from __future__ import annotations

import random

import pytest

from tests.soak import trials


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    """A picture, a text, a good network, a finished run."""
    folder = tmp_path_factory.mktemp("soak") / "work"
    trials.prepare(folder)
    return folder


def test_bad_checkpoints_are_answered_in_one_line(arena):
    tally = trials.Tally()
    trials.try_checkpoints(arena, tally, random.Random(1), share=0.05)
    assert not tally.wrong, tally.table()


def test_nonsense_is_answered_in_one_line(arena):
    tally = trials.Tally()
    trials.try_overrides(arena, tally, random.Random(1), share=0.03)
    assert not tally.wrong, tally.table()


def test_kills_lose_nothing(run, tmp_path):
    """In a process of its own, which forks."""
    shown = run(tmp_path, "-m", "tests.soak", "kills", "share=0.1").stdout
    assert "kills: 3 tried" in shown and shown.count(" 0 lost") == 1
