"""`make ledger`: the ledger on a service that runs already, from outside. It writes payments of its own alone, and removes them."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import grpc
import psycopg2
import requests

from loadtest.window import percentile
from tests.resilience.api import STATUS_NUMBERS, Absent, Api, Failed, GrpcApi, RestApi, Stored, Tls, Untrue
from tests.resilience.ledger import ROWS, Entry, Ledger, Verdict
from tests.resilience.load import Load

CLIENTS = 3  # of each API
SILENCE = 20.0  # seconds without an answer of an API, then it has stopped answering
SETTLING = 20.0  # seconds for open outcomes after the load
SLOW = 0.005  # part of the requests that may take longer than the budget
_PAGES = 200
Result = TypeVar("Result")
_OWN = f"{ROWS} WHERE data->>'key' LIKE %s"


@dataclass
class Timed:
    """An API, and the seconds that each of its answers took."""

    api: Api
    seconds: list[float] = field(default_factory=list)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.api.name

    def create(self, entry: Entry) -> Stored:
        return self._time(self.api.create, entry)

    def create_batch(self, entries: Sequence[Entry]) -> list[Stored | Failed]:
        return self._time(self.api.create_batch, entries)

    def get(self, id: str) -> Stored:
        return self._time(self.api.get, id)

    def update(self, id: str, status: str, revision: int | None) -> Stored:
        return self._time(self.api.update, id, status, revision)

    def delete(self, id: str) -> Stored:
        return self._time(self.api.delete, id)

    def _time(self, call: Callable[..., Result], *arguments: object) -> Result:
        begin = time.monotonic()
        try:
            return call(*arguments)
        finally:
            self.seconds.append(time.monotonic() - begin)


@dataclass(frozen=True)
class Service:
    """Where it is reached. `database`: URL of its PostgreSQL, where that is reached too."""

    url: str
    grpc: str = ""
    grpc_tls: bool = False
    ca: str = ""
    key: str = ""
    database: str = ""

    def apis(self) -> list[Timed]:
        """Of each client."""
        each: list[Api] = [self.rest() for _ in range(CLIENTS)]
        return [Timed(api) for api in (*each, *(self._grpc_api() for _ in range(CLIENTS if self.grpc else 0)))]

    def rest(self) -> RestApi:
        parts = urlsplit(self.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        return RestApi((host, parts.port or (443 if secure else 80)), tls=Tls(host, self.ca) if secure else None, key=self.key)

    def _grpc_api(self) -> GrpcApi:
        authorities = Path(self.ca).read_bytes() if self.ca else None
        return GrpcApi(self.grpc, grpc.ssl_channel_credentials(authorities) if self.grpc_tls else None, self.key)

    def rows(self, run: str) -> Iterator[tuple[Any, ...]]:
        """As ledger.ROWS selects them, those whose keys begin so: by SQL, or from the list. Raises Failed and Untrue."""
        if self.database:
            with psycopg2.connect(self.database) as connection, connection.cursor() as cursor:
                cursor.execute(_OWN, (f"{run}-%",))
                yield from cursor.fetchall()
            return
        for id, data, shown in self._listed():
            key = json.loads(data).get("key")
            if isinstance(key, str) and key.startswith(f"{run}-"):
                yield id, key, data, str(shown["payment"]), STATUS_NUMBERS[shown["status"]], int(shown["etag"])

    def _listed(self) -> Iterator[tuple[str, str, Any]]:
        """Id, text of `data`, and all of each payment."""
        session = requests.Session()
        session.trust_env = False
        session.verify = self.ca or True
        session.headers.update({"Authorization": f"Bearer {self.key}"} if self.key else {})
        url = f"{self.url.rstrip('/')}/list?page_size=1000"
        for _ in range(_PAGES):
            try:
                answer = session.get(url, timeout=15)
            except requests.RequestException as error:
                raise Failed(f"GET /list got no answer ({type(error).__name__})") from error
            if answer.status_code != 200:
                raise Untrue(f"GET /list answered {answer.status_code}: {answer.text[:200]}")
            yield from _payments(answer.text)
            if "next" not in answer.links:
                return
            url = requests.compat.urljoin(url, answer.links["next"]["url"])
        raise Failed(f"over {_PAGES * 1000:,} payments are stored: give --database")


def _payments(text: str) -> Iterator[tuple[str, str, Any]]:
    """Of a page; `data` comes before `payment`, and its numbers have to be kept as they are written."""
    decoder = json.JSONDecoder(parse_float=Decimal)
    position = text.index("[") + 1
    while text[position : position + 1] not in ("]", ""):
        shown, end = decoder.raw_decode(text, position)
        begin = text.index('"data":', position) + len('"data":')
        _, data_end = decoder.raw_decode(text, begin)
        yield shown["id"], text[begin:data_end], shown
        position = end + (text[end : end + 1] == ",")


@dataclass(frozen=True)
class Finding:
    """What is wrong with a service; nothing where all is well."""

    writes: int
    failed: int
    seconds: list[float]
    faults: list[str]


def judge(service: Service, writes: int, seconds: float, budget: float) -> Finding:
    """Writes until so many are acknowledged, or the time is over, and checks what is stored. `budget`: milliseconds that a request may
    take."""
    ledger, apis, faults = Ledger(), service.apis(), []
    begin = time.monotonic()
    silent: list[str] = []
    with Load(apis, ledger, SETTLING) as load:
        while ledger.writes < writes and time.monotonic() < begin + seconds and not silent:
            time.sleep(0.05)
            silent = _silent(ledger, apis, begin)
    faults += [f"stopped answering: {name} answered nothing for {SILENCE:.0f} s" for name in silent]
    if not silent and ledger.writes < writes:
        faults.append(f"slow: {ledger.writes:,} of {writes:,} writes in {seconds:.0f} s")
    try:
        stored = list(service.rows(load.run))
        faults += _told(ledger.check(stored, ((entry.key, entry.id) for entry in ledger.entries.values() if entry.id)))
        _remove(service.rest(), [row[0] for row in stored])
    except (Failed, Untrue, psycopg2.Error) as error:
        faults.append(f"not checked: {error}")
    took = sorted(second for api in apis for second in api.seconds)
    slow = sum(second * 1000 > budget for second in took) / max(1, len(took))
    if slow > SLOW:
        faults.append(f"slow: {slow:.2%} of requests took longer than {budget:,.0f} ms, where {SLOW:.1%} may")
    if ledger.failures:
        faults.append(f"failed: {len(ledger.failures):,} of {len(took):,} requests, for one: {ledger.failures[0][1]}")
    return Finding(ledger.writes, len(ledger.failures), took, faults)


def _silent(ledger: Ledger, apis: Sequence[Timed], begin: float) -> list[str]:
    now = time.monotonic()
    last = {api.name: max(ledger.successes.get(api.name, [begin]), default=begin) for api in apis}
    return [name for name, moment in last.items() if now - moment > SILENCE]


def _told(verdict: Verdict) -> list[str]:
    kinds = {
        "lost": verdict.lost,
        "duplicated": verdict.duplicated,
        "nobody asked for": verdict.foreign,
        "not as acknowledged": verdict.contradicted,
        "wrong answers": verdict.untrue,
    }
    return [f"{name}: {len(found):,}, for one: {found[0]}" for name, found in kinds.items() if found]


def _remove(api: Api, ids: Sequence[str]) -> None:
    """Raises Failed and Untrue."""
    for id in ids:
        try:
            api.delete(id)
        except Absent:
            continue


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.resilience.running", description=__doc__)
    parser.add_argument("url", help="of REST")
    parser.add_argument("--grpc", default="", metavar="HOST:PORT", help="of gRPC, where it is reached from here")
    parser.add_argument("--grpc-tls", action="store_true", help="gRPC has TLS")
    parser.add_argument("--ca", default="", metavar="FILE", help="PEM file of the authorities of the certificates (default: the system's)")
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL", ""), metavar="URL", help="of PostgreSQL, in place of the list")
    parser.add_argument("--writes", type=int, default=5000, help="that are to be acknowledged (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="then there is no more time for them (default: %(default)s)")
    parser.add_argument("--budget", type=float, default=1000, help="milliseconds that a request may take (default: %(default)s)")
    given = parser.parse_args(arguments)
    service = Service(given.url, given.grpc, given.grpc_tls, given.ca, os.environ.get("PAYMENTS_API_KEY", ""), given.database)
    found = judge(service, given.writes, given.seconds, given.budget)
    p50, p99 = ((percentile(found.seconds, percent) or 0) * 1000 for percent in (50, 99))
    print(f"ledger: {found.writes:,} writes, {found.failed:,} failed requests, p50 {p50:,.0f} ms, p99 {p99:,.0f} ms")
    print("\n".join(f"BROKEN {fault}" for fault in found.faults) or "ledger: nothing is lost, doubled or untrue")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
