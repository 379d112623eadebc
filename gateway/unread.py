"""Answers that clients do not take: what waits for all of them together is bounded."""

from collections.abc import Callable


class Unread:
    """Bytes that wait, by the connection that they wait on. `most`: of all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._waiting: dict[Callable[[], object], int] = {}  # in the order in which they began to wait

    def add(self, abort: Callable[[], object], size: int) -> None:
        """`size` bytes wait on the connection that `abort` ends. Beyond the limit those that have waited longest are ended: a client that
        reads slowly begins anew whenever it has read, one that does not read never."""
        self._waiting[abort] = size
        self._bytes += size
        while self._bytes > self._most:
            longest = next(iter(self._waiting))
            self.remove(longest)
            longest()

    def remove(self, abort: Callable[[], object]) -> None:
        """All has been taken, or the connection has ended."""
        self._bytes -= self._waiting.pop(abort, 0)
