"""The queue of pictures: those in work, those that wait, and the places of each address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class BusyError(RuntimeError):
    """The queue is full."""


class GreedyError(RuntimeError):
    """One address already has all the places it may have."""


class EndingError(RuntimeError):
    """The server is stopping."""


class GoneError(RuntimeError):
    """The client no longer waits for the answer."""


class Shares:
    """Places that are shared by addresses.

    Args:
        total: the number of places.
        each: how many of them one address may have.
    """

    def __init__(self, total: int, each: int) -> None:
        self.total, self.each = total, each
        self.taken: Counter[str] = Counter()

    def take(self, address: str, places: int = 1) -> None:
        """Take places.

        Raises:
            BusyError: too few are left.
            GreedyError: the address would have more than its share.
        """
        if self.taken.total() + places > self.total:
            raise BusyError("busy; try again in a moment")
        if self.taken[address] + places > self.each:
            raise GreedyError("too much at once from your address; try again in a moment")
        self.taken[address] += places

    def give(self, address: str, places: int = 1) -> None:
        """Give places back."""
        self.taken[address] -= places
        if not self.taken[address]:
            del self.taken[address]


class Line:
    """A queue in which each picture is processed by one thread, in order of arrival.

    Args:
        threads: pictures that are processed at a time.
        waiting: pictures that may wait.

    Attributes:
        ended: set when the server stops; it then no longer waits for running work.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self.threads, self.waiting = threads, waiting
        self.shares = Shares(threads + waiting, max(threads + waiting - 1, 1))
        self.ended = asyncio.Event()
        self._pool = ThreadPoolExecutor(threads, "picture")
        self._jobs: dict[str, Future[Any]] = {}

    async def run(
        self,
        work: Callable[[bool], T],
        address: str,
        ticket: str,
        gone: Callable[[], Awaitable[object]],
    ) -> T:
        """Wait for a thread, and return what `work` returns there.

        Args:
            work: called with True if no other picture is in the queue.
            address: of the client.
            ticket: the name by which `place` finds the picture.
            gone: returns when the client is gone; a waiting picture then leaves the queue.

        Raises:
            BusyError, GreedyError: there is no place.
            EndingError: the server stops.
            GoneError: `gone` returned.
            ValueError: the ticket is in use.
        """
        if self.ended.is_set():
            raise EndingError("the server is stopping")
        if ticket in self._jobs:
            raise ValueError("Ticket: in use; give every picture a ticket of its own")
        try:
            self.shares.take(address)
        except BusyError:
            line = f"busy: {self.waiting} pictures are waiting; try again in a moment"
            raise BusyError(line) from None
        loop = asyncio.get_running_loop()
        job = self._pool.submit(lambda: work(len(self._jobs) == 1))
        self._jobs[ticket] = job

        def leave(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: the server has ended
                loop.call_soon_threadsafe(self._leave, ticket, address)

        job.add_done_callback(leave)
        answer = asyncio.wrap_future(job)
        ended: asyncio.Future[Any] = asyncio.ensure_future(self.ended.wait())
        left: asyncio.Future[Any] = asyncio.ensure_future(gone())
        try:
            await asyncio.wait({answer, ended, left}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if self.ended.is_set():
                raise EndingError("the server is stopping; nothing was kept")
            raise GoneError("the client is gone")
        finally:
            for future in (answer, ended, left):
                future.cancel()  # has an effect only if the job has not started

    def place(self, ticket: str) -> int | None:
        """How many pictures come before this one; 0: in work; None: not in the queue."""
        if ticket not in self._jobs:
            return None
        before = 0
        for name, job in self._jobs.items():
            before += not (job.running() or job.done())
            if name == ticket:
                return 0 if job.running() or job.done() else before
        return None

    def counts(self) -> tuple[int, int]:
        """How many pictures are in work, and how many wait."""
        jobs = self._jobs.values()
        running = sum(job.running() for job in jobs)
        return running, sum(not job.done() for job in jobs) - running

    def _leave(self, ticket: str, address: str) -> None:
        del self._jobs[ticket]
        self.shares.give(address)
