"""Ids of payments: UUIDv7 (RFC 9562), so that ids sort by the time of creation, and PostgreSQL's index grows at one end.

Part of the client package because gateway and server both make ids, and must make them alike.
"""

import os
import struct
import threading
import time
from collections.abc import Iterator

_NANOSECONDS = 1_000_000  # in a millisecond
_RANDOM = (1 << 62) - 1

_RESERVE = 4096  # random bytes drawn from the system at a time, for a system call costs more than an id

_lock = threading.Lock()
_last = 0
_random: Iterator[int] = iter(())


def new() -> str:
    """A new id, greater than every id this process has made before, whatever the clock does.

    The 12 bits after the version hold the fraction of the millisecond (RFC 9562, section 6.2, method 3); where the clock
    has not moved, or has been set back, the last value counts on from there.
    """
    milliseconds, rest = divmod(time.time_ns(), _NANOSECONDS)
    ticks = milliseconds << 12 | (rest << 12) // _NANOSECONDS
    global _last
    with _lock:
        ticks = _last = max(ticks, _last + 1)
        random = _draw() & _RANDOM
    digits = f"{(ticks >> 12) << 80 | 7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | random:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _draw() -> int:
    global _random
    number = next(_random, None)
    if number is None:
        _random = iter(struct.unpack(f"{_RESERVE // 8}Q", os.urandom(_RESERVE)))
        number = next(_random)
    return number


def _forget() -> None:
    """In a forked process: it must not make the ids that its parent makes."""
    global _random
    _random = iter(())


os.register_at_fork(after_in_child=_forget)
