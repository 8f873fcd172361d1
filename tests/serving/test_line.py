"""The queue alone: order, places, and what happens to those who leave."""

from __future__ import annotations

import asyncio
import threading

import pytest

from salient.serving.line import BusyError, EndingError, GoneError, GreedyError, Line, Shares


async def never():
    await asyncio.Event().wait()


def test_one_address_never_has_every_place():
    shares = Shares(4, 3)
    shares.take("a", 3)
    with pytest.raises(GreedyError, match="too much at once from your address"):
        shares.take("a")
    shares.take("b")
    with pytest.raises(BusyError):
        shares.take("c")
    shares.give("a", 3)
    shares.take("b", 2)
    assert shares.taken == {"b": 3}


def in_a_line(threads, waiting, story):
    """Run a story with a line; its pictures wait for `go`."""
    go = threading.Event()

    async def tell():
        line = Line(threads, waiting)

        def start(name, address="a", gone=never):
            task = line.run(lambda alone: (go.wait(20), name, alone)[1:], address, name, gone)
            return asyncio.create_task(task)

        return await story(line, start, go)

    try:
        return asyncio.run(tell())
    finally:
        go.set()


async def until(test):
    for _ in range(1000):
        if test():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


def test_each_thread_has_a_picture_and_the_rest_know_their_place():
    async def story(line, start, go):
        tasks = [start(name) for name in "pqrs"]
        await until(lambda: line.counts() == (2, 2))
        assert [line.place(name) for name in "pqrsx"] == [0, 0, 1, 2, None]
        go.set()
        assert [name for name, _ in await asyncio.gather(*tasks)] == list("pqrs")
        await until(lambda: line.place("s") is None)
        assert (await start("t")) == ("t", True)  # alone

    in_a_line(2, 3, story)


def test_the_queue_ends_and_one_place_is_for_others():
    async def story(line, start, go):
        tasks = [start(name) for name in "pq"]
        await until(lambda: line.counts() == (1, 1))
        with pytest.raises(GreedyError):
            await start("r")
        other = start("s", "b")
        await until(lambda: line.counts() == (1, 2))
        with pytest.raises(BusyError, match="busy: 2 pictures are waiting; try again in a moment"):
            await start("t", "c")
        with pytest.raises(ValueError, match="Ticket: in use"):
            await start("s", "c")
        go.set()
        await asyncio.gather(*tasks, other)
        await until(lambda: not line.shares.taken)

    in_a_line(1, 2, story)


def test_who_has_left_waits_no_longer():
    async def story(line, start, go):
        left = asyncio.Event()
        first, second = start("p"), start("q", "b", left.wait)
        await until(lambda: line.counts() == (1, 1))
        left.set()
        with pytest.raises(GoneError):
            await second
        await until(lambda: line.counts() == (1, 0) and line.shares.taken == {"a": 1})
        go.set()
        assert (await first)[0] == "p"

    in_a_line(1, 2, story)


def test_the_end_does_not_wait_for_what_is_being_worked_on():
    async def story(line, start, go):
        tasks = [start(name) for name in "pq"]
        await until(lambda: line.counts() == (1, 1))
        line.ended.set()
        for task in (*tasks, start("r")):
            with pytest.raises(EndingError):
                await task
        assert line.counts()[0] == 1

    in_a_line(1, 2, story)
