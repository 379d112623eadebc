"""What clients asked for and were told, and whether the database agrees: nothing lost, nothing twice, nothing that nobody asked for."""

import itertools
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

STATUSES = {1: "inserted", 2: "consumed"}
ROWS = "SELECT id::text, data->>'key', data::text, payment::text, status, revision FROM payments"
KEYS = "SELECT key, payment_id::text FROM idempotency_keys"


@dataclass
class Entry:
    """A payment as its one client knows it. An update or delete whose outcome is unknown leaves several states possible."""

    key: str
    data: str  # JSON text
    payment: str
    id: str | None = None  # of the acknowledged create
    statuses: set[str] = field(default_factory=lambda: {"inserted"})
    revision: int = 1  # the lowest that it may have
    unsettled: int = 0  # updates that may still be carried out, each adding one to the revision
    deleted: bool | None = False  # None: may have happened or not


@dataclass(frozen=True)
class Verdict:
    """What is wrong, one line for each case."""

    lost: list[str]
    duplicated: list[str]
    foreign: list[str]  # rows that nobody asked for, or that were deleted
    contradicted: list[str]  # content, status, revision or key other than what was acknowledged
    untrue: list[str]  # answers that could not be right when they came

    @property
    def clean(self) -> bool:
        return not any((self.lost, self.duplicated, self.foreign, self.contradicted, self.untrue))


class Ledger:
    """Shared by clients, each of which writes only of payments of its own. Every request's end is noted with its time."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.writes = 0  # acknowledged
        self.successes: dict[str, list[float]] = defaultdict(list)  # by API, on time.monotonic()'s clock
        self.failures: list[tuple[float, str]] = []
        self.untrue: list[str] = []
        self._lock = threading.Lock()

    def ask(self, entry: Entry) -> Entry:
        """Before the first request for it leaves."""
        with self._lock:
            self.entries[entry.key] = entry
        return entry

    def succeed(self, api: str, writes: int = 0) -> None:
        with self._lock:
            self.successes[api].append(time.monotonic())
            self.writes += writes

    def fail(self, text: str) -> None:
        with self._lock:
            self.failures.append((time.monotonic(), text))

    def object(self, text: str) -> None:
        """To an answer that contradicts what was acknowledged before."""
        with self._lock:
            self.untrue.append(text)

    def gap(self, begin: float, end: float) -> float:
        """The longest time in which one of the APIs answered nothing, in seconds."""
        gaps = [0.0]
        for times in self.successes.values():
            marks = [begin, *(moment for moment in times if begin < moment < end), end]
            gaps += [after - before for before, after in itertools.pairwise(marks)]
        return max(gaps)

    def back_after(self, moment: float) -> float:
        """Seconds from then until the API that was last to answer had answered; infinite where one never did."""
        firsts = [next((at for at in times if at >= moment), float("inf")) for times in self.successes.values()]
        return max(firsts, default=float("inf")) - moment

    def check(self, rows: Iterable[tuple[Any, ...]], keys: Iterable[tuple[Any, ...]]) -> Verdict:
        """Compares with what `ROWS` and `KEYS` select."""
        stored = defaultdict(list)
        for id, key, data, payment, status, revision in rows:
            stored[key].append((id, data, payment, STATUSES[status], revision))
        named: dict[str, list[str]] = defaultdict(list)
        for key, id in keys:
            named[key].append(id)
        lost, duplicated, contradicted = [], [], []
        foreign = [f"{key}: nobody asked for it" for key in stored if key not in self.entries]
        for entry in self.entries.values():
            found = stored.get(entry.key, [])
            if len(found) > 1:
                duplicated.append(f"{entry.key}: {len(found)} rows")
            elif not found:
                if entry.id and entry.deleted is False:
                    lost.append(f"{entry.key}: acknowledged as {entry.id}, and not there")
            elif entry.deleted:
                foreign.append(f"{entry.key}: deleted, and there")
            else:
                contradicted += _differences(entry, *found[0])
            if entry.id and named[entry.key] != [entry.id]:
                contradicted.append(f"{entry.key}: the key names {named[entry.key]}, not {entry.id}")
        return Verdict(lost, duplicated, foreign, contradicted, list(self.untrue))


def _differences(entry: Entry, id: str, data: str, payment: str, status: str, revision: int) -> list[str]:
    found = []
    if entry.id and id != entry.id:
        found.append(f"id {id}, not {entry.id}")
    if exact(data) != exact(entry.data) or Decimal(payment) != Decimal(entry.payment):
        found.append(f"content {data} {payment}, not {entry.data} {entry.payment}")
    if status not in entry.statuses:
        found.append(f"status {status}, not {' or '.join(sorted(entry.statuses))}")
    if not entry.revision <= revision <= entry.revision + entry.unsettled:
        found.append(f"revision {revision}, not {entry.revision} or up to {entry.unsettled} more")
    return [f"{entry.key}: {each}" for each in found]


def exact(text: str) -> Any:
    """JSON with every number kept as it is written."""
    return json.loads(text, parse_float=Decimal)
