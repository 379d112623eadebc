"""What came of each request, and figures of them."""

import threading
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from loadtest.window import percentile

NOT_SENT = "not sent"  # there was no place for it until its slice ended


@dataclass(frozen=True)
class Kind:
    """`outcome`: a gRPC code, an HTTP status, or what else befell the request. `accepted`: it is what had to come."""

    call: str
    outcome: str
    accepted: bool


@dataclass
class Figures:
    """Of one API. Each request has the moment it was due, in seconds from the begin of the load, the seconds from then until it ended,
    and its kind. `offered`: requests that should have been made."""

    api: str
    offered: int
    following: int = 1  # requests that are made for each of the first call, which alone is due at a moment of the schedule
    due: "array[float]" = field(default_factory=lambda: array("d"))
    latency: "array[float]" = field(default_factory=lambda: array("d"))
    kind: "array[int]" = field(default_factory=lambda: array("H"))
    kinds: list[Kind] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)  # of each of the kinds
    wrong: list[str] = field(default_factory=list)  # answers that contradict what was acknowledged

    def __iter__(self) -> Iterator[tuple[float, float, Kind]]:
        for due, latency, kind in zip(self.due, self.latency, self.kind, strict=True):
            yield due, latency, self.kinds[kind]

    @property
    def made(self) -> int:
        """Requests that have ended, or were not sent."""
        return sum(self.totals)

    @property
    def accepted(self) -> int:
        return sum(count for kind, count in zip(self.kinds, self.totals, strict=True) if kind.accepted)

    @property
    def errors(self) -> Counter[str]:
        """Requests that did not end as they had to, by outcome."""
        found: Counter[str] = Counter()
        for kind, count in zip(self.kinds, self.totals, strict=True):
            if not kind.accepted:
                found[kind.outcome] += count
        return found

    @property
    def errors_text(self) -> str:
        return ", ".join(f"{outcome} {count:,}" for outcome, count in self.errors.most_common())

    @property
    def error_share(self) -> float:
        return self.errors.total() / max(1, self.made)

    @property
    def reached(self) -> float:
        """The part of the offered requests that was accepted."""
        return min(1.0, self.accepted / max(1, self.offered))

    @cached_property
    def _latencies(self) -> list[float]:
        return sorted(latency for _, latency, kind in self if kind.accepted)

    def percentile(self, percent: float) -> float | None:
        """Of the latencies of accepted requests, in milliseconds."""
        found = percentile(self._latencies, percent)
        return None if found is None else found * 1000


class Results:
    """Where engines put what came of requests, from threads of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures: dict[str, Figures] = {}
        self._kinds: dict[str, dict[Kind, int]] = {}
        self.left: list[str] = []  # ids of payments that could not be removed
        self.notes: list[str] = []  # what has to be known of the figures

    def open(self, api: str, following: int = 1) -> None:
        self._figures[api] = Figures(api, 0, following)
        self._kinds[api] = {}

    def offer(self, api: str, requests: int) -> None:
        """Requests that should have been made."""
        with self._lock:
            self._figures[api].offered += requests

    def add(self, api: str, due: float, latency: float, kind: Kind) -> None:
        with self._lock:
            figures, kinds = self._figures[api], self._kinds[api]
            if kind not in kinds:
                kinds[kind] = len(kinds)
                figures.kinds.append(kind)
                figures.totals.append(0)
            figures.totals[kinds[kind]] += 1
            figures.due.append(due)
            figures.latency.append(latency)
            figures.kind.append(kinds[kind])

    def contradict(self, api: str, text: str) -> None:
        """An answer contradicts what was acknowledged before."""
        with self._lock:
            self._figures[api].wrong.append(text)

    def leave(self, id: str) -> None:
        with self._lock:
            self.left.append(id)

    def note(self, text: str) -> None:
        with self._lock:
            self.notes.append(text)

    def figures(self, latest: int = 0) -> list[Figures]:
        """As they stand; what comes later is not in them. With `latest`, only as many requests, the last; the totals are of all."""
        with self._lock:
            return [
                Figures(each.api, each.offered, each.following, each.due[-latest:], each.latency[-latest:], each.kind[-latest:],
                        list(each.kinds), list(each.totals), list(each.wrong))
                for each in self._figures.values()
            ]  # fmt: skip
