"""The time that is measured, and what is counted in it."""

import asyncio
import math
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ACCEPTED = frozenset({"200", "OK"})
UNANSWERED = "unanswered"
# Latencies and the window itself are on this clock; uvloop's own counts in milliseconds.
now = time.perf_counter


@dataclass(frozen=True)
class Answers:
    """What came of the requests of a window."""

    seconds: float  # the window's length
    answered: int  # answers that came within the window, whatever they say
    rate: float  # accepted ones of them a second
    p50: float | None  # milliseconds from a request's begin to the accepted answer's end; nothing where none was accepted
    p99: float | None
    outcomes: dict[str, int]  # of the requests that begin within the window, by HTTP status or gRPC code, or what else befell them
    generator_cpu: float  # of one core, between 0 and 1: near 1, the generator itself is the limit


class Window:
    """Counts requests by their begin, and the rate by the answers that come until the window's end, so that a queue that is emptied
    afterwards adds latency and no throughput."""

    def __init__(self, opened: Callable[[], None], closed: Callable[[], None]) -> None:
        """`opened` and `closed` are called at its begin and end."""
        self._opened = opened
        self._closed = closed
        self._begin = self._end = math.inf
        self._cpu = 0.0
        self._begun = 0
        self._answered = 0
        self._accepted = 0
        self._outcomes: Counter[str] = Counter()
        self._latencies = array("d")

    async def last(self, seconds: float) -> None:
        """Opens the window, and closes it after so many seconds."""
        self._opened()
        self._cpu = time.process_time()
        self._begin = now()
        self._end = self._begin + seconds
        await asyncio.sleep(seconds)
        self._cpu = time.process_time() - self._cpu
        self._closed()

    def begin(self, begun: float) -> None:
        """A request begins, or was to begin, at a time."""
        if self._begin <= begun < self._end:
            self._begun += 1

    def answer(self, begun: float, outcome: str) -> None:
        """Its answer has come."""
        came = now()
        accepted = outcome in ACCEPTED
        if self._begin <= came < self._end:
            self._answered += 1
            self._accepted += accepted
        if self._begin <= begun < self._end:
            self._outcomes[outcome] += 1
            if accepted:
                self._latencies.append(came - begun)

    def fail(self, begun: float, outcome: str) -> None:
        """There will be no answer to it."""
        if self._begin <= begun < self._end:
            self._outcomes[outcome] += 1

    def answers(self) -> Answers:
        """When no more are waited for."""
        unanswered = self._begun - self._outcomes.total()
        latencies = sorted(self._latencies)
        seconds = self._end - self._begin
        return Answers(
            seconds=seconds,
            answered=self._answered,
            rate=self._accepted / seconds,
            p50=_milliseconds(percentile(latencies, 50)),
            p99=_milliseconds(percentile(latencies, 99)),
            outcomes=dict(self._outcomes) | ({UNANSWERED: unanswered} if unanswered else {}),
            generator_cpu=self._cpu / seconds,
        )


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The smallest of the values that `percent` of all do not exceed (nearest rank); nothing of nothing."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
