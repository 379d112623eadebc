"""The way to PostgreSQL: a pool of connections, a thread for each, and one round trip a transaction."""

import asyncio
import logging
import select
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from process.tracing import tracer, within_calls
from server.errors import Failure, conflict, deadline_exceeded, unavailable
from server.patience import Patience

log = logging.getLogger("server")

T = TypeVar("T")
Row = Sequence[Any]
# Asked for each connection, in place of a password in the URL. Raises psycopg2.OperationalError.
Password = Callable[[], str]

# libpq's parameters where the URL does not set them: a host that has gone is noticed within seconds.
_CONNECTION = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",  # milliseconds
    "application_name": "payments-server",
}
_PATIENCE = 1.0  # seconds
# SQLSTATEs, whole or by class (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_CANCELLED = "57014"
_CONFLICTS = ("40001", "40P01")
_UNDEFINED_TABLE = "42P01"
_READ_ONLY = "25006"
_UNAVAILABLE = ("08", _READ_ONLY, "28", "3D", "53", "57", "58", _UNDEFINED_TABLE)


class InvalidDatabaseUrl(ValueError):
    """Not a URL that libpq takes."""


def connection_string(url: str) -> str:
    """libpq's string for a `postgresql://` URL, also one with SQLAlchemy's `+driver`. Raises InvalidDatabaseUrl."""
    scheme, separator, rest = url.partition("://")
    name = scheme.partition("+")[0]
    if not separator or name not in ("postgresql", "postgres"):
        raise InvalidDatabaseUrl("must begin with postgresql://")
    try:
        return make_dsn(**(_CONNECTION | parse_dsn(f"{name}://{rest}") | {"client_encoding": "UTF8"}))
    except psycopg2.Error:
        raise InvalidDatabaseUrl("is not a PostgreSQL URL") from None  # libpq's own message may quote the password


def make_engine(url: str, pool_size: int, password: Password | None = None) -> Engine:
    """libpq itself reads the URL, so that whatever it takes works: sockets, several hosts, TLS, service files."""
    dsn = connection_string(url)
    # AUTOCOMMIT: no BEGIN and COMMIT of the driver's own, each a round trip.
    engine = create_engine(
        "postgresql+psycopg2://",
        creator=lambda: psycopg2.connect(dsn, password=password()) if password else psycopg2.connect(dsn),
        pool_size=pool_size,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,  # no transaction is ever left open
        use_native_hstore=False,  # looks for the type hstore on every new connection, and nothing here has that type
    )
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _leave_lost)
    return engine


def _note_use(connection: object, record: ConnectionPoolEntry) -> None:
    record.info["used"] = True


def _leave_lost(connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:
    """Replaces idle connections that PostgreSQL has closed, and so spares an update, which is never sent twice, from failing on one.

    An idle connection has nothing to read unless the other end said good-bye: one poll(2), no round trip.
    """
    poll = select.poll()
    if record.info.get("used") and not connection.closed:
        poll.register(connection.fileno(), select.POLLIN)
        if poll.poll(0):
            raise InvalidatePoolError


class Database:
    """Runs statements in `pool_size` threads, so that the event loop never waits for a socket."""

    def __init__(self, url: str, pool_size: int, password: Password | None = None, *, name: str = "service") -> None:
        """`name`: of the pool, in metrics."""
        self.engine = make_engine(url, pool_size, password)
        from server.metrics import PoolMetrics  # here, as workers are forked before prometheus_client is loaded

        self._metrics = PoolMetrics(name, self.engine.pool, pool_size)
        self._patience = Patience()
        self.threads = pool_size
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="database")

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Runs blocking work in a thread; it goes on there when the caller has stopped waiting."""
        if tracer():
            return await asyncio.wrap_future(self._metrics.submit(self._threads, copy_context().run, work, *args))
        return await asyncio.wrap_future(self._metrics.submit(self._threads, work, *args))

    def read_gauges(self) -> None:
        """Sets the metrics that are states of the pool."""
        self._metrics.read()

    def execute(self, sql: str, parameters: Mapping[str, object], deadline: float, *, kind: str, repeatable: bool) -> Sequence[Row]:
        """The rows of one statement, which is a transaction of its own. `deadline`: on time.monotonic()'s clock. `kind`: what the statement
        is called in metrics. Raises Failure.

        A repeatable statement, one that may run twice, is sent again where the pool's connection turns out to be lost.
        """
        try:
            try:
                return self._execute(sql, parameters, deadline, kind)
            except _ConnectionLost:
                if not repeatable:
                    raise
                self._metrics.retried(kind)
                return self._execute(sql, parameters, deadline, kind)
        except psycopg2.Error as error:
            failure = _failure(error)
            self._metrics.failed(failure)
            if failure is None:
                raise
            raise failure from error

    def _execute(self, sql: str, parameters: Mapping[str, object], deadline: float, kind: str) -> Sequence[Row]:
        milliseconds = int((deadline - time.monotonic()) * 1000)
        if milliseconds <= 0:
            raise deadline_exceeded()
        # Several statements in one simple query are one transaction (PostgreSQL's protocol, "Multiple Statements in a Simple Query"),
        # so that the timeout costs no round trip and is gone with the transaction, as a transaction pooler needs it.
        described = {"db.system.name": "postgresql", "db.operation.name": kind, "db.query.text": sql}
        with self._metrics.statement(kind), within_calls(f"{kind} payments", described):
            return self.query(f"SET LOCAL statement_timeout = {milliseconds}; {sql}", parameters, deadline)

    def query(self, sql: str, parameters: Mapping[str, object] | None, deadline: float) -> Sequence[Row]:
        """The rows of the last of the statements in `sql`, which ends by itself at `deadline`. Raises psycopg2.Error, also
        where PostgreSQL says nothing, soon after the deadline.

        The pool is SQLAlchemy's, the statement goes by the driver alone: SQLAlchemy's way of executing it costs as much Python again as
        all the rest here, and a lone create waits for that.
        """
        connection: Any = self.engine.raw_connection()
        driven = connection.dbapi_connection
        self._patience.begin(driven, deadline)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                rows: Sequence[Row] = cursor.fetchall()
                return rows
        except psycopg2.Error as error:
            self._patience.end(driven)
            if error.pgcode == _READ_ONLY:  # a standby, or a primary that has become one: the next connection may find the new primary
                connection.invalidate(error)
            elif self.engine.dialect.is_disconnect(error, connection.dbapi_connection, None):  # type: ignore[arg-type]  # SQLAlchemy has a protocol of its own for the driver
                connection.invalidate(error)
                raise _ConnectionLost(fault(error)) from error
            raise
        finally:
            self._patience.end(driven)
            connection.close()

    def close(self) -> None:
        """Waits a moment for what still runs in the threads, then hangs up on it: a frozen PostgreSQL would hold it for ever."""
        patience = threading.Timer(_PATIENCE, self._patience.hang_up)
        patience.start()
        self._threads.shutdown(cancel_futures=True)
        patience.cancel()
        self._patience.close()
        self.engine.dispose()


class _ConnectionLost(psycopg2.OperationalError):
    """The connection, which the pool has had for a while perhaps, has ended; whether the statement was carried out is unknown."""


def _failure(error: psycopg2.Error) -> Failure | None:
    """What the API says of a database error; None for one that is a fault of ours, or of a value."""
    state = error.pgcode or ""
    if state == _CANCELLED:
        return deadline_exceeded()
    if state in _CONFLICTS:
        return conflict()
    if isinstance(error, psycopg2.OperationalError) or state.startswith(_UNAVAILABLE):
        log.warning("database unavailable: %s", fault(error))
        return unavailable()
    return None


def fault(error: psycopg2.Error) -> str:
    """What is wrong with the database, in one line for the log, with what to do where that is known."""
    hint = "; run `payments-server migrate`" if error.pgcode == _UNDEFINED_TABLE else ""
    return str(error).partition("\n")[0] + hint
