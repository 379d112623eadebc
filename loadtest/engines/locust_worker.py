"""One process of Locust: `python -m loadtest.engines.locust_worker`. loadtest/engines/locust.py says on its standard input what to send,
and reads from its standard output what came of it, a JSON document a line."""

from locust import FastHttpUser, task  # first of all: it makes the standard library gevent's
from locust.env import Environment
from locust.exception import StopUser

# isort: split
import itertools
import json
import signal
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import gevent

from loadtest.calls import PAGE, Call, Paid, chain
from loadtest.plan.schedule import GRACE, Phase, Slice, slices
from loadtest.results import NOT_SENT
from loadtest.window import now

_TELL = 0.25  # seconds
_LOOKS = 12  # of _TELL seconds, that are judged together
_PATIENCE = 10.0  # seconds more than a request's timeout until users that do not end are left


@dataclass(frozen=True)
class Work:
    """What the parent says first. Payments number `share`, `share` + `shares`, and so on of each slice are this process's."""

    run: str
    url: str
    ca: str
    key: str
    calls: list[str]
    phases: list[dict[str, int]]
    share: int
    shares: int
    users: int
    timeout: int


@dataclass(frozen=True)
class Arrival:
    """A payment that is due, in seconds from the begin of the load; once its slice has ended it is not begun any more."""

    paid: Paid
    due: float
    end: float


class Arrivals:
    """Hands each payment to the first user who is free."""

    def __init__(self, work: Work) -> None:
        self._next = self._all(work, slices([Phase(**phase) for phase in work.phases]))
        self.stopping = False

    def _all(self, work: Work, parts: list[Slice]) -> Iterator[Arrival]:
        first = 0
        for part in parts:
            dues = enumerate(part.phase.due())
            for number, due in itertools.islice(dues, work.share, None, work.shares):
                yield Arrival(Paid(work.run, first + number), part.begin + due, part.end)
            first += part.phase.count

    def take(self) -> Arrival | None:
        return None if self.stopping else next(self._next, None)


class Telling:
    """What came of requests, until the parent is told."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, float, float, str, bool]] = []
        self._wrong: list[str] = []

    def add(self, call: Call, due: float, latency: float, outcome: str, accepted: bool) -> None:
        self._rows.append((call.title, due, latency, outcome, accepted))

    def contradict(self, text: str) -> None:
        self._wrong.append(text)

    def tell(self) -> None:
        if self._rows or self._wrong:
            rows, wrong, self._rows, self._wrong = self._rows, self._wrong, [], []
            _say({"rows": rows, "wrong": wrong})


class Effort:
    """Whether this process keeps up: `busy`, the most that it computed of a core, and `late`, the most seconds that a timer was behind on
    average, each of some seconds together."""

    def __init__(self) -> None:
        self.busy = self.late = 0.0
        self._looks: list[tuple[float, float, float]] = []

    def sleep(self) -> None:
        begin = now()
        gevent.sleep(_TELL)
        self._looks.append((now(), time.process_time(), now() - begin - _TELL))
        if len(self._looks) < _LOOKS:
            return
        (first, computed, _), (last, computed_last, _) = self._looks[0], self._looks[-1]
        self.busy = max(self.busy, (computed_last - computed) / (last - first))
        self.late = max(self.late, sum(late for _, _, late in self._looks) / len(self._looks))
        self._looks.clear()


def _say(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


class Client(FastHttpUser):
    """One of those who bring payments to the service: one at a time, with all its calls."""

    abstract = True
    work: Work
    arrivals: Arrivals
    telling: Telling
    calls: list[Call]
    begin: float  # of the load, on now()'s clock
    busy = 0

    @task
    def live(self) -> None:
        arrival = self.arrivals.take()
        if arrival is None:
            raise StopUser
        if not self._wait_until(self.begin + arrival.due):
            raise StopUser
        if now() >= self.begin + arrival.end + GRACE:
            self.telling.add(self.calls[0], arrival.due, arrival.end - arrival.due, NOT_SENT, False)
            return
        type(self).busy += 1
        try:
            self._pay(arrival)
        finally:
            type(self).busy -= 1

    def _wait_until(self, moment: float) -> bool:
        while not self.arrivals.stopping and now() < moment:
            gevent.sleep(min(0.1, moment - now()))
        return not self.arrivals.stopping

    def _pay(self, arrival: Arrival) -> None:
        """The first request from when it was due, each other from the answer before: then it is due."""
        id, due = "", self.begin + arrival.due
        for call in self.calls:
            method, path, headers, body = _request(call, arrival.paid, id)
            if self.work.key:
                headers["Authorization"] = f"Bearer {self.work.key}"
            answer: Any = self.client.request(method, path, name=call.title, data=body, headers=headers, allow_redirects=False)
            ended = now()
            outcome = str(answer.status_code) if answer.status_code else _failure(answer.error)
            accepted = answer.status_code == call.expected_status
            self.telling.add(call, due - self.begin, ended - due, outcome, accepted)
            wrong = _contradiction(call, arrival.paid, id, answer.status_code, answer.text or "")
            if wrong:
                self.telling.contradict(f"{call.title}: {wrong}")
            if not accepted or wrong:
                return
            if call.name == "create":
                id = json.loads(answer.text)["id"]
            due = ended


def _request(call: Call, paid: Paid, id: str) -> tuple[str, str, dict[str, str], str | None]:
    """Method, path, headers and body."""
    json_body = {"Content-Type": "application/json"}
    etag = {"If-Match": f'"{call.revision}"'}
    match call.name:
        case "create":
            return "POST", "/create", {**json_body, "Idempotency-Key": paid.key}, paid.body
        case "update":
            return "PUT", f"/update/{id}", {**json_body, **etag}, '{"status":"consumed"}'
        case "delete":
            return "DELETE", f"/delete/{id}", etag, None
        case "list":
            return "GET", f"/list?page_size={PAGE}", {}, None
    return "GET", f"/get/{id}", {}, None


def _failure(error: object) -> str:
    """What befell a request that has no answer. Locust's client wraps what was raised."""
    error = getattr(error, "original", error)
    if isinstance(error, TimeoutError):
        return "timeout"
    return "unconnected" if isinstance(error, ConnectionRefusedError | ssl.SSLError) else "closed"


def _contradiction(call: Call, paid: Paid, id: str, status: int, text: str) -> str:
    """What is not as it was acknowledged; nothing where all is well, or where the request failed for another reason."""
    if call.name == "gone":
        return f"{id} was deleted, and is there" if status == 200 else ""
    if call.name not in ("create", "list") and status == 404:
        return f"{id} was acknowledged, and is not found"
    if call.name not in ("create", "list") and status == 412:
        return f"{id} has another etag than was acknowledged"
    if status != 200:
        return ""
    try:
        shown = json.loads(text, parse_float=Decimal)
        if call.name == "list":
            return "" if isinstance(shown, list) else "not a list"
        found = (shown["status"], shown["data"], Decimal(shown["payment"]), shown["etag"])
        same_id = call.name == "create" or shown["id"] == id
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return f"not a payment: {text[:100]!r}"
    revision = call.revision + (call.name == "update")
    expected = ("consumed" if revision > 1 else "inserted", paid.data, Decimal(paid.amount), str(revision))
    return "" if same_id and found == expected else f"{id or shown['id']} is {text[:300]}, not {expected}"


def main() -> None:
    work = Work(**json.loads(sys.stdin.readline()))
    arrivals, telling = Arrivals(work), Telling()
    signal.signal(signal.SIGINT, lambda *_: setattr(arrivals, "stopping", True))
    context = ssl.create_default_context(cafile=work.ca or None)
    attributes = {
        "abstract": False,
        "work": work,
        "arrivals": arrivals,
        "telling": telling,
        "calls": chain(work.calls),
        "connection_timeout": work.timeout,
        "network_timeout": work.timeout,
        # Named so, it is not given authorities of the client's own choice, which it would read anew for each user.
        "ssl_context_factory": lambda self, cafile: context,
        "insecure": False,
    }
    client: Any = type("PayingClient", (Client,), attributes)
    environment = Environment(user_classes=[client], host=work.url)
    runner = environment.create_local_runner()
    _say({"ready": True})
    begin = float(sys.stdin.readline())
    client.begin = now() + (begin - time.time())
    last = client.begin + sum(phase["seconds"] for phase in work.phases)
    runner.start(work.users, spawn_rate=work.users)
    effort = Effort()
    while now() < last and not arrivals.stopping:
        effort.sleep()
        telling.tell()
    end = now() + (work.timeout + _PATIENCE) * len(client.calls)
    while (runner.user_count or client.busy) and now() < end:
        gevent.sleep(_TELL / 5)
        telling.tell()
    runner.quit()
    telling.tell()
    _say({"ended": True, "busy": effort.busy, "late": effort.late})


if __name__ == "__main__":
    main()
