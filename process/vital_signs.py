"""What a process measures of itself from time to time, so that no request pays for it."""

import asyncio
from collections.abc import Callable

from prometheus_client import Counter, Histogram

from process.log_stream import STDOUT

_INTERVAL = 0.5  # seconds

_LAG = Histogram(
    "asyncio_event_loop_lag_seconds",
    "How much later than it was due a timer of the event loop ran: what every request waits whenever it waits.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)

_DROPPED = Counter("payments_log_lines_dropped", "Log lines that found no room, as nobody read standard output.")


async def watch_vital_signs(*readings: Callable[[], None]) -> None:
    """Measures the event loop's lag, and calls `readings`, which set gauges, every half second until it is cancelled.

    Gauges are set, not asked for when they are scraped: of several processes' metrics the parent that is scraped has only what they wrote.
    """
    loop = asyncio.get_running_loop()
    dropped = 0
    while True:
        _DROPPED.inc(STDOUT.dropped - dropped)
        dropped = STDOUT.dropped
        for read in readings:
            read()
        due = loop.time() + _INTERVAL
        await asyncio.sleep(_INTERVAL)
        _LAG.observe(max(0.0, loop.time() - due))
