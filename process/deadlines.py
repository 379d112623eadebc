"""Deadlines of thousands of calls at a time, at a fraction of what asyncio.timeout costs each."""

import asyncio
import math
import time
from types import TracebackType

RESOLUTION = 0.01  # seconds that an expiry may be late: all that are due within it share a timer of the event loop


class Deadlines:
    """The deadlines of one event loop's tasks."""

    def __init__(self) -> None:
        # Kept, as asking for it is a system call in Python 3.11.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: dict[int, set[Deadline]] = {}  # by the tick, a multiple of RESOLUTION on time.monotonic()'s clock

    def at(self, deadline: float) -> "Deadline":
        """A context that ends with TimeoutError at `deadline` (time.monotonic()'s clock), as asyncio.timeout_at does on the loop's own."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        tick = math.ceil(deadline / RESOLUTION)
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = set()
            self._loop.call_later(tick * RESOLUTION - time.monotonic(), self._expire, tick)
        return Deadline(due, self._loop)

    def expire_all(self) -> None:
        """As if all were due now."""
        for due in self._due.values():
            for deadline in due:
                deadline.expire()

    def _expire(self, tick: int) -> None:
        for deadline in self._due.pop(tick):
            deadline.expire()


class Deadline:
    """The deadline of the task that enters it."""

    __slots__ = ("_cancelling", "_due", "_expired", "_loop", "_task")

    def __init__(self, due: "set[Deadline]", loop: asyncio.AbstractEventLoop) -> None:
        self._due = due
        self._loop = loop
        self._expired = False
        self._task: asyncio.Task[object] | None = None

    def __enter__(self) -> "Deadline":
        self._task = asyncio.current_task(self._loop)
        assert self._task is not None  # a context of asynchronous code
        self._cancelling = self._task.cancelling()
        self._due.add(self)
        return self

    def expire(self) -> None:
        assert self._task is not None  # only what has been entered is due
        if not self._expired:
            self._expired = True
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._due.discard(self)
        # Of two that cancelled the task at once, the caller who did has the word.
        if self._expired and self._task is not None and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
