"""Many payments at once through their lives: what is lost once in a thousand writes, fails once in a hundred requests or is slow that often
is not met by a request of each kind."""

import contextlib
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc

from loadtest.window import percentile
from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.smoke.check import ANSWER, Check, Clock, NotAsked, expect
from tests.smoke.door import Door
from tests.smoke.grpc_api import Grpc
from tests.smoke.own import Own

CLIENTS = 16  # at one time
_UPDATED = 0.4  # part of the payments that is consumed
_CREATING, _UPDATING, _DELETING = 0.3, 0.15, 0.45  # parts of the time
_ENOUGH = 50  # failed requests, then there is no need for more
_PAUSE = 0.5  # seconds, where a limit of requests was met
_SLOW = 0.005  # part of the requests that may take longer than the budget: half of what a 99th percentile leaves
OK, ABSENT, MISMATCH, LATER = "ok", "absent", "mismatch", "later"


@dataclass(frozen=True)
class Answer:
    """`outcome`: ok, absent, mismatch, later for "come again", or what went wrong. `id` and `status` are of the payment it shows."""

    outcome: str
    id: str = ""
    status: str = ""
    data: Any = None


class Connection(Protocol):
    """A client's own. Raises nothing: what befalls a request is its answer's outcome."""

    def create(self, key: str) -> Answer: ...

    def consume(self, id: str) -> Answer: ...

    def get(self, id: str) -> Answer: ...

    def delete(self, id: str) -> Answer: ...

    def close(self) -> None: ...


@dataclass
class Lives:
    """`count` payments, or as many as there is time for, which is `part` of what is left. `budget`: milliseconds that at most one in two
    hundred requests may exceed."""

    group: str
    connect: Callable[[], Connection] | None
    count: int
    budget: float
    part: float
    own: Own
    clock: Clock
    latencies: list[float] = field(default_factory=list)  # seconds
    failures: Counter[str] = field(default_factory=Counter)
    contradictions: list[str] = field(default_factory=list)
    writes: int = 0  # acknowledged
    waited: int = 0  # requests that were told to come again
    _keys: dict[str, str] = field(default_factory=dict)  # by id
    _consumed: set[str] = field(default_factory=set)
    _gone: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def checks(self) -> list[Check]:
        return [
            Check(self.group, "writes are kept", self.kept),
            Check(self.group, "no request fails", self.unfailing),
            Check(self.group, "latency", self.fast),
        ]

    def kept(self) -> str:
        if self.connect is None:
            raise NotAsked("no address was given")
        self.clock.patience()
        seconds = self.clock.left * self.part
        end = time.monotonic() + seconds
        self._each(range(self.count), self._create, seconds * _CREATING)
        ids = list(self._keys)
        self._each(ids[: int(len(ids) * _UPDATED)], self._consume, seconds * _UPDATING)
        self._each(ids, self._delete, seconds * _DELETING)
        self._each(list(self._gone), self._look, end - time.monotonic())
        lost = f"{len(self.contradictions):,} of {self.writes:,} acknowledged writes are not so, for one: "
        expect(not self.contradictions, lost + "".join(self.contradictions[:1]))
        expect(self.writes > 0, f"no write was acknowledged: {self._told()}")
        return f"{self.writes:,} writes of {len(ids):,} payments, none lost" + (
            f"; told to wait {self.waited:,} times" if self.waited else ""
        )

    def unfailing(self) -> str:
        self._tried()
        expect(not self.failures, f"{self.failures.total():,} of {len(self.latencies):,} requests: {self._told()}")
        return f"none of {len(self.latencies):,}"

    def fast(self) -> str:
        self._tried()
        ordered = sorted(self.latencies)
        p50, p99 = ((percentile(ordered, percent) or 0) * 1000 for percent in (50, 99))
        slow = sum(latency * 1000 > self.budget for latency in ordered) / len(ordered)
        text = f"p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, {slow:.2%} of requests longer than {self.budget:,.0f} ms"
        expect(slow <= _SLOW, f"{text}, where {_SLOW:.1%} may be")
        return text

    def _tried(self) -> None:
        if not self.latencies:
            raise NotAsked("no request was sent")

    def _told(self) -> str:
        return ", ".join(f"{outcome} {count:,}" for outcome, count in self.failures.most_common(5)) or "no request"

    def _each(self, items: Iterable[Any], act: Callable[[Connection, Any], None], seconds: float) -> None:
        """By several clients at once, until all are done or the time is over."""
        end = time.monotonic() + seconds
        left = iter(items)

        def work() -> None:
            assert self.connect
            with contextlib.closing(self.connect()) as connection:
                while time.monotonic() < end and self.failures.total() < _ENOUGH:
                    with self._lock:
                        item = next(left, None)
                    if item is None:
                        return
                    act(connection, item)

        threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        while True:
            begin = time.monotonic()
            answer = ask()
            took = time.monotonic() - begin
            if answer.outcome == LATER and self.clock.left > _PAUSE:
                with self._lock:
                    self.waited += 1
                time.sleep(_PAUSE)
                continue
            with self._lock:
                self.latencies.append(took)
                if answer.outcome not in (OK, ABSENT, MISMATCH):
                    self.failures[answer.outcome] += 1
            return answer

    def _acknowledge(self) -> None:
        with self._lock:
            self.writes += 1

    def _contradict(self, text: str) -> None:
        with self._lock:
            self.contradictions.append(text)

    def _create(self, connection: Connection, number: int) -> None:
        key = self.own.key()
        answer = self._ask(lambda: connection.create(key))
        if answer.outcome == OK:
            self.own.made(key, answer.id)
            self._keys[answer.id] = key
            self._acknowledge()

    def _consume(self, connection: Connection, id: str) -> None:
        answer = self._ask(lambda: connection.consume(id))
        if answer.outcome == OK:
            self._consumed.add(id)
            self._acknowledge()
        elif answer.outcome in (ABSENT, MISMATCH):
            self._contradict(f"{id} was created, and an update finds it {answer.outcome}")

    def _delete(self, connection: Connection, id: str) -> None:
        answer = self._ask(lambda: connection.delete(id))
        if answer.outcome == ABSENT:
            self.own.removed(id)
            self._contradict(f"{id} was created, and is not there to be deleted")
        elif answer.outcome == OK:
            self._gone.append(id)
            self._acknowledge()
            expected = json.loads(self.own.data(self._keys[id]))
            if (answer.id, answer.data) != (id, expected):
                self._contradict(f"{id} was created with {expected}, and is {answer.id} with {answer.data}")
            elif id in self._consumed and answer.status != "consumed":
                self._contradict(f"{id} was consumed, and is {answer.status}")

    def _look(self, connection: Connection, id: str) -> None:
        outcome = self._ask(lambda: connection.get(id)).outcome
        if outcome == ABSENT:
            self.own.removed(id)
        elif outcome == OK:
            self._contradict(f"{id} was deleted, and is there")


class RestConnection:
    """http.client's, which costs a fraction of what requests does."""

    def __init__(self, door: Door, key: str, own: Own) -> None:
        self._own = own
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._connection = (
            http.client.HTTPSConnection(door.host, door.port, context=door.context, timeout=ANSWER)
            if door.secure
            else http.client.HTTPConnection(door.host, door.port, timeout=ANSWER)
        )

    def create(self, key: str) -> Answer:
        return self._exchange("POST", "/create", f'{{"data":{self._own.data(key)},"payment":0.01}}', {"Idempotency-Key": key})

    def consume(self, id: str) -> Answer:
        return self._exchange("PUT", f"/update/{id}", '{"status":"consumed"}')

    def get(self, id: str) -> Answer:
        return self._exchange("GET", f"/get/{id}")

    def delete(self, id: str) -> Answer:
        return self._exchange("DELETE", f"/delete/{id}")

    def close(self) -> None:
        self._connection.close()

    def _exchange(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        try:
            used = self._connection.sock is not None
            status, content = self._send(method, path, body, {**self._headers, **(headers or {})}, used)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
        if status != 200:
            return Answer({404: ABSENT, 412: MISMATCH, 429: LATER}.get(status, f"HTTP {status}"))
        try:
            payment = json.loads(content)
            return Answer(OK, payment["id"], payment["status"], payment["data"])
        except (ValueError, KeyError, TypeError):
            return Answer("an answer that is no payment")

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str], used: bool) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if not used:
                raise
            self._connection.close()  # it was closed while idle, as nginx does when its configuration changes
            return self._send(method, path, body, headers, False)
        return answer.status, answer.read()


class GrpcConnection:
    """Shares the channel with the others."""

    def __init__(self, api: Grpc, own: Own) -> None:
        assert api.channel
        self._api = api
        self._own = own
        self._stub = PaymentServiceStub(api.channel)

    def create(self, key: str) -> Answer:
        return self._call(self._stub.CreatePayment, pb.CreatePaymentRequest(data=self._own.data(key), payment="0.01", request_id=key))

    def consume(self, id: str) -> Answer:
        return self._call(self._stub.UpdatePayment, pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED))

    def get(self, id: str) -> Answer:
        return self._call(self._stub.GetPayment, pb.GetPaymentRequest(id=id))

    def delete(self, id: str) -> Answer:
        return self._call(self._stub.DeletePayment, pb.DeletePaymentRequest(id=id))

    def close(self) -> None:
        """The channel is the run's."""

    def _call(self, method: Any, request: Any) -> Answer:
        try:
            payment = method(request, timeout=ANSWER, metadata=self._api.metadata)
        except grpc.RpcError as error:
            name = error.code().name
            return Answer({"NOT_FOUND": ABSENT, "ABORTED": MISMATCH, "RESOURCE_EXHAUSTED": LATER}.get(name, name))
        status = {pb.STATUS_INSERTED: "inserted", pb.STATUS_CONSUMED: "consumed"}.get(payment.status, "unknown")
        try:
            return Answer(OK, payment.id, status, json.loads(payment.data))
        except ValueError:
            return Answer("an answer that is no payment")


@contextlib.contextmanager
def removal(own: Own, connect: Callable[[], Connection], seconds: float) -> Iterator[None]:
    """Whatever happens meanwhile, the run's payments are removed afterwards. What could not be in time is left in `own`."""
    try:
        yield
    finally:
        _remove(own, connect, time.monotonic() + seconds)


def _remove(own: Own, connect: Callable[[], Connection], end: float) -> None:
    def work(items: Iterator[tuple[str, str]], lock: threading.Lock) -> None:
        with contextlib.closing(connect()) as connection:
            while time.monotonic() < end:
                with lock:
                    id, key = next(items, ("", ""))
                if not id and not key:
                    return
                # A create that was not answered is sent again: with its key it finds the payment, or makes the one that is removed.
                answer = connection.create(key) if key else Answer(OK, id)
                if answer.outcome == OK:
                    own.made(key, answer.id)
                    if connection.delete(answer.id).outcome in (OK, ABSENT):
                        own.removed(answer.id)

    items: Iterator[tuple[str, str]] = iter([*((id, "") for id in list(own.ids)), *(("", key) for key in list(own.unsure))])
    lock = threading.Lock()
    threads = [threading.Thread(target=work, args=(items, lock)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
