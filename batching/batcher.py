"""Batches without a timer: alone, an item goes at once; under load, all that waits goes in the next batch."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class _Waiting(Generic[Item, Result]):
    item: Item
    key: Hashable
    deadline: float
    result: asyncio.Future[Result]
    origin: tuple[Any, ...]


class Batcher(Generic[Item, Result]):
    """Sends items in batches and gives each caller the result of its own."""

    def __init__(
        self,
        send: Callable[[list[Item], float], Awaitable[Sequence[Result | Exception]]],
        *,
        in_flight: int,
        key: Callable[[Item], Hashable],
        size: Callable[[Item], int],
        largest: int,
        origin: ContextVar[tuple[Any, ...]] | None = None,
    ) -> None:
        """`send` takes items and the latest of their deadlines (on time.monotonic()'s clock), and gives a result or an exception for each,
        in order; what it raises itself, all get.

        `in_flight`: batches at one time. With one, what arrives meanwhile gathers; with two, a batch that is held up holds up no other.

        `key`: two items of one key never share a batch, and keep their order. `size` and `largest`: a batch ends before its items' sizes
        add up to more, but has one item at least.

        `origin`: a variable that in `send` has the values together that it had where each of the batch's items was submitted.
        """
        self._send = send
        self._most_in_flight = in_flight
        self._key = key
        self._size = size
        self._largest = largest
        self._origin = origin
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._busy: set[Hashable] = set()  # keys of the items on their way
        self._in_flight: set[asyncio.Task[None]] = set()
        self._starting = False
        self._loop: asyncio.AbstractEventLoop | None = None  # kept, as asking for it is a system call in Python 3.11

    async def submit(self, item: Item, deadline: float) -> Result:
        """The item's own result. Raises its own exception, and TimeoutError where the deadline has passed before the item could leave.

        A caller that is cancelled before its item has left takes it back; what has left goes on without it. So a caller that waits no
        longer than its deadline cancels itself then.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        waiting: _Waiting[Item, Result] = _Waiting(
            item, self._key(item), deadline, self._loop.create_future(), self._origin.get() if self._origin else ()
        )
        self._waiting.append(waiting)
        if not self._starting and len(self._in_flight) < self._most_in_flight:
            # In the loop's next turn, so that what has arrived in this one leaves together.
            self._starting = True
            self._loop.call_soon(self._start)
        return await waiting.result

    def _start(self) -> None:
        self._starting = False
        while self._waiting and len(self._in_flight) < self._most_in_flight and (batch := self._next()):
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
                waiting.result.set_exception(TimeoutError())
                continue
            if waiting.key in self._busy or waiting.key in held:
                held.add(waiting.key)
                staying.append(waiting)
                continue
            room -= self._size(waiting.item)
            if room < 0 and batch:
                self._waiting.appendleft(waiting)
                break
            self._busy.add(waiting.key)
            batch.append(waiting)
        self._waiting.extendleft(reversed(staying))
        return batch

    async def _deliver(self, batch: list[_Waiting[Item, Result]]) -> None:
        results: Sequence[Result | Exception]
        if self._origin:
            self._origin.set(tuple(origin for waiting in batch for origin in waiting.origin))
        try:
            results = await self._send([waiting.item for waiting in batch], max(waiting.deadline for waiting in batch))
        except Exception as error:
            results = [error] * len(batch)
        for waiting, result in zip(batch, results, strict=True):
            self._busy.discard(waiting.key)
            if waiting.result.done():
                continue
            if isinstance(result, Exception):
                waiting.result.set_exception(result)
            else:
                waiting.result.set_result(result)
