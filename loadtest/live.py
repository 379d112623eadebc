"""The line that tells how a load goes while it goes."""

import sys
import time
from typing import TextIO

from loadtest.results import Figures, Results
from loadtest.window import percentile

_RECENT = 10.0  # seconds that the rate and the latency are of
_LATEST = 20_000  # requests, at most


class Live:
    """On a terminal one line, written anew each second; elsewhere a line each five seconds."""

    def __init__(self, results: Results, seconds: float, begin: float, out: TextIO = sys.stderr) -> None:
        self._results = results
        self._seconds = seconds
        self._begin = begin
        self._out = out
        self._terminal = out.isatty()
        self._next = 0.0

    def show(self) -> None:
        now = time.time()
        if now < self._next:
            return
        self._next = now + (1 if self._terminal else 5)
        passed = max(0.0, now - self._begin)
        text = " | ".join([f"{passed:.0f} s", *(_of(each) for each in self._results.figures(_LATEST)), _left(self._seconds - passed)])
        self._out.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        self._out.flush()

    def end(self) -> None:
        self._next = 0.0
        self.show()
        if self._terminal:
            self._out.write("\n")


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s left" if seconds > 0 else "the last calls"


def _of(figures: Figures) -> str:
    """Of the last seconds that there are answers of: ghz tells of its calls when a slice of them has ended."""
    if not figures.due:
        return f"{figures.api}: no answers yet"
    latest = max(figures.due)
    since = max(0.0, latest - _RECENT, min(figures.due))
    latencies = sorted(latency for due, latency, kind in figures if kind.accepted and due >= since)
    p99 = percentile(latencies, 99)
    shown = "none accepted" if p99 is None else f"p99 {p99 * 1000:,.0f} ms"
    rate = len(latencies) / max(1.0, latest - since)
    return f"{figures.api} to {latest:.0f} s: {rate:,.0f}/s, {shown}, {figures.errors.total():,} errors"
