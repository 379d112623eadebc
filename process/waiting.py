"""Peers that a process waits for, and how long, and with how much in its hands, it does."""

import asyncio
import math
import time
from collections.abc import Callable

_INTERVAL = 0.5  # seconds between looks, so that a peer that does not keep one waiting needs no timer


class Waiting:
    """Calls or connections that wait for their peers, in the order in which they began to. Where more than `most` bytes wait, the one that
    has waited longest is ended: a peer that reads slowly begins anew whenever it has read, one that does not read never."""

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._bytes = 0
        self._waiting: dict[Callable[[], object], tuple[float, int]] = {}  # by what ends them: since when they wait, and with what

    def begin(self, end: Callable[[], object], size: int = 0) -> None:
        """What `end` ends waits, and `size` bytes with it."""
        self._waiting[end] = time.monotonic(), size
        self._bytes += size
        while self._bytes > self._most:
            self._end_first()

    def end(self, end: Callable[[], object]) -> None:
        """It does not wait any more."""
        _, size = self._waiting.pop(end, (0.0, 0))
        self._bytes -= size

    async def watch(self, seconds: float) -> None:
        """Ends what has waited for so long, until it is cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            overdue = time.monotonic() - seconds
            while self._waiting and next(iter(self._waiting.values()))[0] < overdue:
                self._end_first()

    def _end_first(self) -> None:
        first = next(iter(self._waiting))
        self.end(first)
        first()
