"""Requests at a constant rate, whether answers come or not, as those of many independent clients arrive."""

import asyncio
import itertools
from collections.abc import Callable

from loadtest.window import now

NOT_SENT = "not sent"  # as many as may be were in flight
_TICK = 0.001  # seconds between looks at what is due: the finest that uvloop's timers know
_AT_ONCE = 256


async def arrive(rate: float, send: Callable[[float], None]) -> None:
    """Calls `send` `rate` times a second, until it is cancelled, with the moment that each request was due. Who is late counts from that
    moment all the same, so that what waits for a slow service is seen to wait (no coordinated omission)."""
    due = start = now()
    for number in itertools.count(1):
        while due > now():
            await asyncio.sleep(max(_TICK, due - now()))
        send(due)
        due = start + number / rate
        if not number % _AT_ONCE:
            await asyncio.sleep(0)  # where it is late, answers must be read all the same
