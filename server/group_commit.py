"""Group commit: what arrives while statements are in flight travels together in the next one, so that one fsync serves many calls."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from server.errors import Failure, deadline_exceeded

Item = TypeVar("Item")
Result = TypeVar("Result")

# Statements at one time: the next group gathers while one is on its way to the disk and another is being made.
IN_FLIGHT = 2
LARGEST = 500  # items in a statement; it bounds its time, and the memory of its text


@dataclass
class _Waiting(Generic[Item, Result]):
    item: Item
    deadline: float
    result: asyncio.Future[Result]


class GroupCommit(Generic[Item, Result]):
    """Runs `write` for groups of items. There is no timer: alone, an item goes at once."""

    def __init__(
        self, write: Callable[[Sequence[Item], float], Awaitable[Sequence[Result | Failure]]], key: Callable[[Item], Hashable]
    ) -> None:
        """`write` takes items and the latest of their deadlines, and gives an outcome for each, in order; what it raises, all get.

        `key`: two items of one key never share a statement, and keep their order.
        """
        self._write = write
        self._key = key
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._busy: set[Hashable] = set()  # keys of the items in flight
        self._in_flight: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item, deadline: float) -> Result:
        """The item's own outcome, once its transaction has ended. Raises Failure.

        A caller that is cancelled before its item has left takes it back; what has left goes on without it.
        """
        waiting = _Waiting(item, deadline, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._start()
        result: Result = await waiting.result
        return result

    def _start(self) -> None:
        while self._waiting and len(self._in_flight) < IN_FLIGHT and (group := self._next_group()):
            task = asyncio.ensure_future(self._commit(group))
            self._in_flight.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._start()

    def _next_group(self) -> list[_Waiting[Item, Result]]:
        """Takes what may go, in the order it came; what shares a key with something before it stays."""
        group: list[_Waiting[Item, Result]] = []
        staying: list[_Waiting[Item, Result]] = []
        held: set[Hashable] = set()
        now = time.monotonic()
        while self._waiting and len(group) < LARGEST:
            waiting = self._waiting.popleft()
            key = self._key(waiting.item)
            if waiting.result.done():
                continue
            if waiting.deadline <= now:
                waiting.result.set_exception(deadline_exceeded())
            elif key in self._busy or key in held:
                held.add(key)
                staying.append(waiting)
            else:
                self._busy.add(key)
                group.append(waiting)
        self._waiting.extendleft(reversed(staying))
        return group

    async def _commit(self, group: list[_Waiting[Item, Result]]) -> None:
        outcomes: Sequence[Result | Failure | BaseException]
        try:
            outcomes = await self._write([waiting.item for waiting in group], max(waiting.deadline for waiting in group))
        except Exception as error:
            outcomes = [error] * len(group)
        for waiting, outcome in zip(group, outcomes, strict=True):
            self._busy.discard(self._key(waiting.item))
            if waiting.result.done():
                continue
            if isinstance(outcome, BaseException):
                waiting.result.set_exception(outcome)
            else:
                waiting.result.set_result(outcome)
