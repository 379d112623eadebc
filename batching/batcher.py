"""Batches without a timer: alone, an item goes at once; under load, all that waits goes in the next batch."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Batches at one time: the next one gathers while one waits for the disk and another is being made.
IN_FLIGHT = 2


@dataclass
class _Waiting(Generic[Item, Result]):
    item: Item
    deadline: float
    result: asyncio.Future[Result]


class Batcher(Generic[Item, Result]):
    """Sends items in batches and gives each caller the result of its own."""

    def __init__(
        self,
        send: Callable[[list[Item], float], Awaitable[Sequence[Result | Exception]]],
        *,
        key: Callable[[Item], Hashable],
        size: Callable[[Item], int],
        largest: int,
    ) -> None:
        """`send` takes items and the latest of their deadlines (on time.monotonic()'s clock), and gives a result or an exception for each,
        in order; what it raises itself, all get.

        `key`: two items of one key never share a batch, and keep their order. `size` and `largest`: a batch ends before its items' sizes
        add up to more, but has one item at least.
        """
        self._send = send
        self._key = key
        self._size = size
        self._largest = largest
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._busy: set[Hashable] = set()  # keys of the items on their way
        self._in_flight: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item, deadline: float) -> Result:
        """The item's own result. Raises its own exception, and TimeoutError at the deadline.

        A caller that is cancelled, or whose deadline comes, before its item has left takes it back; what has left goes on without it.
        """
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Item, Result] = _Waiting(item, deadline, loop.create_future())
        # A timer of our own costs a fraction of asyncio.timeout, which cancels the task and sorts out who did.
        timer = loop.call_later(deadline - time.monotonic(), _expire, waiting.result)
        self._waiting.append(waiting)
        self._start()
        try:
            result: Result = await waiting.result
        finally:
            timer.cancel()
        return result

    def _start(self) -> None:
        while self._waiting and len(self._in_flight) < IN_FLIGHT and (batch := self._next()):
            task = asyncio.ensure_future(self._deliver(batch))
            self._in_flight.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._start()

    def _next(self) -> list[_Waiting[Item, Result]]:
        """Takes what may go, in the order it came; what shares a key with something before it stays."""
        batch: list[_Waiting[Item, Result]] = []
        staying: list[_Waiting[Item, Result]] = []
        held: set[Hashable] = set()
        room = self._largest
        now = time.monotonic()
        while self._waiting:
            waiting = self._waiting.popleft()
            if waiting.result.done():
                continue
            if waiting.deadline <= now:
                _expire(waiting.result)
                continue
            key = self._key(waiting.item)
            if key in self._busy or key in held:
                held.add(key)
                staying.append(waiting)
                continue
            room -= self._size(waiting.item)
            if room < 0 and batch:
                self._waiting.appendleft(waiting)
                break
            self._busy.add(key)
            batch.append(waiting)
        self._waiting.extendleft(reversed(staying))
        return batch

    async def _deliver(self, batch: list[_Waiting[Item, Result]]) -> None:
        results: Sequence[Result | Exception]
        try:
            results = await self._send([waiting.item for waiting in batch], max(waiting.deadline for waiting in batch))
        except Exception as error:
            results = [error] * len(batch)
        for waiting, result in zip(batch, results, strict=True):
            self._busy.discard(self._key(waiting.item))
            if waiting.result.done():
                continue
            if isinstance(result, Exception):
                waiting.result.set_exception(result)
            else:
                waiting.result.set_result(result)


def _expire(result: asyncio.Future[Result]) -> None:
    if not result.done():
        result.set_exception(TimeoutError())
