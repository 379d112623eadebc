"""How long calls wait for their callers, to send a message or to take the answer. gRPC's core waits until the connection ends."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

_INTERVAL = 0.5  # seconds between looks, so that a call that does not wait needs no timer


@dataclass(frozen=True)
class Patience:
    """Of a server with its callers."""

    receive: float  # seconds from the begin of a call until its message has come whole
    send: float  # seconds in which an answer, or each of several, has to be taken
    unread: int  # bytes of answers that wait to be taken, of all calls


PATIENCE = Patience(receive=30.0, send=30.0, unread=128 << 20)


class Waiting:
    """Calls that wait for their callers, in the order in which they began to. A call is cancelled after `seconds`, or where more than
    `most` bytes wait and no other has waited longer."""

    def __init__(self, seconds: float, most: float = float("inf")) -> None:
        self._seconds = seconds
        self._most = most
        self._bytes = 0
        self._calls: dict[Callable[[], object], tuple[float, int]] = {}  # by what cancels them: since when they wait, and with what

    def begin(self, cancel: Callable[[], object], size: int = 0) -> None:
        self._calls[cancel] = time.monotonic(), size
        self._bytes += size
        while self._bytes > self._most:
            self._end_first()

    def end(self, cancel: Callable[[], object]) -> None:
        """It does not wait any more."""
        _, size = self._calls.pop(cancel, (0.0, 0))
        self._bytes -= size

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_INTERVAL)
            overdue = time.monotonic() - self._seconds
            while self._calls and next(iter(self._calls.values()))[0] < overdue:
                self._end_first()

    def _end_first(self) -> None:
        first = next(iter(self._calls))
        self.end(first)
        first()
