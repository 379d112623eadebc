"""Every metric of the server beside those of both commands (process/metrics.py, process/vital_signs.py)."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from time import perf_counter
from typing import Any, TypeVar

from google.rpc import code_pb2
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.pool import Pool

from process.histogram import GroupedHistogram
from process.metrics import BYTES, GROUP, REQUEST_SECONDS, SECONDS
from process.settling import Settling
from server.call import Caller
from server.errors import Failure, code_name

T = TypeVar("T")

# Names and labels of grpc_server_* are those of grpc-ecosystem/go-grpc-middleware.
_METHOD = ["grpc_type", "grpc_service", "grpc_method"]
_STARTED = Counter("grpc_server_started", "Calls begun.", _METHOD)
_HANDLED = Counter("grpc_server_handled", "Calls ended, by code.", [*_METHOD, "grpc_code"])
_SECONDS = GroupedHistogram("grpc_server_handling_seconds", "From begin to end of a call.", _METHOD, buckets=REQUEST_SECONDS)
_RECEIVED = GroupedHistogram("grpc_server_msg_received_bytes", "Size of a request message.", _METHOD, buckets=BYTES)
_SENT = GroupedHistogram("grpc_server_msg_sent_bytes", "Size of an answer message.", _METHOD, buckets=BYTES)

IN_FLIGHT = Gauge("payments_server_in_flight_calls", "Calls of PaymentService being answered.", multiprocess_mode="livesum")
IN_FLIGHT_LIMIT = Gauge(
    "payments_server_in_flight_calls_limit", "The most at one time, --max-in-flight, of all workers.", multiprocess_mode="livesum"
)
REFUSED = Counter("payments_server_refused_calls", "Calls refused unread.", ["reason"])
REFUSED_IN_FLIGHT = REFUSED.labels("in_flight")
REFUSED_NO_DATABASE = REFUSED.labels("database_unavailable")
REPEATED = Counter("payments_server_repeated_messages", "Messages that a client's retry policy sent again.", _METHOD)
# Names are those of the file of keys, so that nobody else can make more series.
_CLIENT_CALLS = Counter("payments_server_client_calls", "Calls ended, by client and code.", ["client", "grpc_method", "grpc_code"])

CREATED = Counter("payments_created", "Payments created; a repetition of a create is none.")
CONSUMED = Counter("payments_consumed", "Payments that became consumed.")
DELETED = Counter("payments_deleted", "Payments deleted.")

# The pool `service` answers calls, the pool `health` watches the database.
CONNECTIONS = Gauge("payments_database_connections", "Connections of a pool.", ["pool", "state"], multiprocess_mode="livesum")
CONNECTIONS_MAX = Gauge(
    "payments_database_connections_max", "Connections that a pool may have, of all workers.", ["pool"], multiprocess_mode="livesum"
)
WAITING = Gauge("payments_database_waiting", "Statements that wait for a connection.", ["pool"], multiprocess_mode="livesum")
WAIT_SECONDS = Histogram("payments_database_wait_seconds", "How long work waited for a connection.", ["pool"], buckets=SECONDS)
STATEMENT_SECONDS = Histogram(
    "payments_database_statement_seconds", "From the sending of a statement to its rows.", ["statement"], buckets=SECONDS
)
GROUP_SIZE = Histogram("payments_database_group_size", "Payments that a statement is about.", ["statement"], buckets=GROUP)
DATABASE_RETRIES = Counter("payments_database_retries", "Statements sent again as the connection was lost.", ["statement"])
DATABASE_FAILURES = Counter("payments_database_failures", "Statements that failed.", ["reason"])
_FAILURES = {reason: DATABASE_FAILURES.labels(reason.lower()) for reason in ("DEADLINE_EXCEEDED", "CONFLICT", "DATABASE_UNAVAILABLE")}
_REFUSED_BY_DATABASE = DATABASE_FAILURES.labels("refused")
DATABASE_UP = Gauge("payments_database_up", "Whether the database answers: 1 or 0.", multiprocess_mode="min")


class MethodMetrics:
    """A method's, bound to its labels beforehand."""

    def __init__(self, service: str, method: str, type: str = "unary") -> None:
        labels = (type, service, method)
        self.started = _STARTED.labels(*labels)
        self.seconds = _SECONDS.labels(*labels)
        self._handled = {number: _HANDLED.labels(*labels, name) for name, number in code_pb2.Code.items()}

    def handled(self, codes: Iterable[int]) -> None:
        """Calls have ended, each with a code of google.rpc.Code."""
        for code, count in Counts(codes).items():
            self._handled[code_pb2.Code.ValueType(code)].inc(count)


class MessageMetrics:
    """Of the messages of a method as they are sent; calls that travel together share one."""

    def __init__(self, service: str, method: str, type: str = "unary") -> None:
        labels = (type, service, method)
        # Sizes in bytes.
        self.received = Settling(_RECEIVED.labels(*labels).observe_each).add
        self.sent = Settling(_SENT.labels(*labels).observe_each).add
        self.repeated = REPEATED.labels(*labels)


class PoolMetrics:
    """Of a pool of connections, each with a thread."""

    def __init__(self, name: str, pool: Pool, size: int) -> None:
        self._pool: Any = pool  # SQLAlchemy types these counts on one kind of pool alone
        self._in_use = CONNECTIONS.labels(name, "in_use")
        self._idle = CONNECTIONS.labels(name, "idle")
        CONNECTIONS_MAX.labels(name).set(size)
        self._waiting = WAITING.labels(name)
        self._wait_seconds = WAIT_SECONDS.labels(name)

    def read(self) -> None:
        self._in_use.set(self._pool.checkedout())
        self._idle.set(self._pool.checkedin())

    def statement(self, kind: str) -> AbstractContextManager[object]:
        """Observes how long the context lasts, also where it fails."""
        return STATEMENT_SECONDS.labels(kind).time()

    def retried(self, kind: str) -> None:
        """A statement is sent again."""
        DATABASE_RETRIES.labels(kind).inc()

    def failed(self, failure: Failure | None) -> None:
        """`failure`: what the API says of it; None for a statement that PostgreSQL refused."""
        (_FAILURES[failure.reason] if failure else _REFUSED_BY_DATABASE).inc()

    def submit(self, threads: ThreadPoolExecutor, work: Callable[..., T], *args: object) -> "Future[T]":
        """Has one of the threads do the work; until it begins it counts as waiting."""
        self._waiting.inc()
        future = threads.submit(self._begin, perf_counter(), work, *args)
        future.add_done_callback(self._note_cancelled)
        return future

    def _begin(self, submitted: float, work: Callable[..., T], *args: object) -> T:
        self._waiting.dec()
        self._wait_seconds.observe(perf_counter() - submitted)
        return work(*args)

    def _note_cancelled(self, future: "Future[Any]") -> None:
        if future.cancelled():  # before it has begun
            self._waiting.dec()


def count_clients(callers: Iterable[Caller], method: str, codes: Iterable[int]) -> None:
    """Counts ended calls, each with its client, where that is known, and its code."""
    for caller, code in zip(callers, codes, strict=True):
        if caller.client:
            _client_calls(caller.client, method, code).inc()


@cache
def _client_calls(client: str, method: str, code: int) -> Counter:
    return _CLIENT_CALLS.labels(client, method, code_name(code))
