"""The figures of a run in few numbers: of all requests of an API, of each call, and over time."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from loadtest.results import Figures, Kind
from loadtest.window import percentile

PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.5, 99.9)
_POINTS = 240  # of a line over time, at most


@dataclass(frozen=True)
class Row:
    """Of the requests of a call, or of all. `percentiles`: milliseconds of accepted requests from when they were due, by percent; so is
    `slowest`. Nothing where none was accepted."""

    name: str
    made: int
    accepted: int
    rate: float  # accepted requests a second, from the first that was due to the last that ended
    errors: dict[str, int]
    percentiles: dict[str, float]
    slowest: float | None


@dataclass
class Timeline:
    """Of parts of a run that last `width` seconds. Offered: those that were due then; accepted and failed: those that ended then.
    Latencies, in milliseconds, are of those that were due then."""

    width: float
    moments: list[float] = field(default_factory=list)  # the middle of each, in seconds from the begin
    offered: list[float] = field(default_factory=list)  # requests a second, as the others
    accepted: list[float] = field(default_factory=list)
    failed: dict[str, list[float]] = field(default_factory=dict)  # by outcome
    latencies: dict[str, list[float | None]] = field(default_factory=dict)  # by percent


@dataclass(frozen=True)
class Summary:
    """One API's."""

    api: str
    offered: int
    total: Row
    calls: list[Row]
    timeline: Timeline
    wrong: list[str]


def summary(figures: Figures) -> Summary:
    """Raises nothing: of nothing the figures are none."""
    calls: dict[str, list[tuple[float, float, Kind]]] = {}
    for each in figures:
        calls.setdefault(each[2].call, []).append(each)
    rows = [_row(name, requests) for name, requests in calls.items()]
    total = _row("all", figures)
    whole = Row("all", total.made, total.accepted, sum(row.rate for row in rows), total.errors, total.percentiles, total.slowest)
    return Summary(figures.api, figures.offered, whole, rows, _timeline(figures), figures.wrong)


def _row(name: str, requests: Iterable[tuple[float, float, Kind]]) -> Row:
    latencies: list[float] = []
    errors: Counter[str] = Counter()
    first, last = math.inf, 0.0
    for due, latency, kind in requests:
        first, last = min(first, due), max(last, due + latency)
        if kind.accepted:
            latencies.append(latency)
        else:
            errors[kind.outcome] += 1
    latencies.sort()
    found = {f"{percent:g}": (percentile(latencies, percent) or 0.0) * 1000 for percent in PERCENTS} if latencies else {}
    rate = len(latencies) / max(1.0, last - first) if latencies else 0.0
    slowest = latencies[-1] * 1000 if latencies else None
    return Row(name, len(latencies) + errors.total(), len(latencies), rate, dict(errors.most_common()), found, slowest)


def _timeline(figures: Figures) -> Timeline:
    last = max((due + latency for due, latency, _ in figures), default=0.0)
    width = max(1.0, math.ceil(last / _POINTS))
    count = int(last // width) + 1
    offered, accepted = [0] * count, [0] * count
    failed: dict[str, list[int]] = {}
    latencies: list[list[float]] = [[] for _ in range(count)]
    for due, latency, kind in figures:
        begun, ended = (min(count - 1, max(0, int(moment // width))) for moment in (due, due + latency))
        if figures.following == 1 or kind.call == figures.kinds[0].call:
            offered[begun] += figures.following
        if kind.accepted:
            accepted[ended] += 1
            latencies[begun].append(latency * 1000)
        else:
            failed.setdefault(kind.outcome, [0] * count)[ended] += 1
    for each in latencies:
        each.sort()
    return Timeline(
        width=width,
        moments=[(number + 0.5) * width for number in range(count)],
        offered=[each / width for each in offered],
        accepted=[each / width for each in accepted],
        failed={outcome: [each / width for each in counts] for outcome, counts in failed.items()},
        latencies={f"{percent:g}": [percentile(each, percent) for each in latencies] for percent in (50, 95, 99)},
    )
