"""The way to PostgreSQL: a pool of connections, a thread for each, and one round trip a transaction."""

import asyncio
import contextlib
import logging
import os
import select
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from server.errors import Failure, conflict, deadline_exceeded, unavailable

log = logging.getLogger("server")

T = TypeVar("T")
Row = Sequence[Any]

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
_UNAVAILABLE = ("08", "25006", "28", "3D", "53", "57", "58", _UNDEFINED_TABLE)


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


def make_engine(url: str, pool_size: int) -> Engine:
    """libpq itself reads the URL, so that whatever it takes works: sockets, several hosts, TLS, service files."""
    dsn = connection_string(url)
    # AUTOCOMMIT: no BEGIN and COMMIT of the driver's own, each a round trip.
    engine = create_engine(
        "postgresql+psycopg2://",
        creator=lambda: psycopg2.connect(dsn),
        pool_size=pool_size,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
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

    def __init__(self, url: str, pool_size: int) -> None:
        self.engine = make_engine(url, pool_size)
        self._connections: weakref.WeakSet[psycopg2.extensions.connection] = weakref.WeakSet()
        event.listen(self.engine, "connect", lambda connection, record: self._connections.add(connection))
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="database")

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Runs blocking work in a thread; it goes on there when the caller has stopped waiting."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def execute(self, sql: str, parameters: Mapping[str, object], deadline: float, *, repeatable: bool) -> Sequence[Row]:
        """The rows of one statement, which is a transaction of its own. `deadline`: on time.monotonic()'s clock. Raises Failure.

        A repeatable statement, one that may run twice, is sent again where the pool's connection turns out to be lost.
        """
        try:
            return self._execute(sql, parameters, deadline)
        except DBAPIError as error:
            if not (repeatable and error.connection_invalidated):
                raise _failure(error) from error
        try:
            return self._execute(sql, parameters, deadline)
        except DBAPIError as error:
            raise _failure(error) from error

    def _execute(self, sql: str, parameters: Mapping[str, object], deadline: float) -> Sequence[Row]:
        milliseconds = int((deadline - time.monotonic()) * 1000)
        if milliseconds <= 0:
            raise deadline_exceeded()
        with self.engine.connect() as connection:
            # Several statements in one simple query are one transaction (PostgreSQL's protocol, "Multiple Statements in a Simple
            # Query"), so that the timeout costs no round trip and is gone with the transaction, as a transaction pooler needs it.
            return connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}; {sql}", dict(parameters)).all()

    def close(self) -> None:
        """Waits a moment for what still runs in the threads, then hangs up on it: a frozen PostgreSQL would hold it for ever."""
        patience = threading.Timer(_PATIENCE, self._hang_up)
        patience.start()
        self._threads.shutdown(cancel_futures=True)
        patience.cancel()
        self.engine.dispose()

    def _hang_up(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)


def _failure(error: DBAPIError) -> Failure:
    """What the API says of a database error."""
    state = getattr(error.orig, "pgcode", None) or ""
    if state == _CANCELLED:
        return deadline_exceeded()
    if state in _CONFLICTS:
        return conflict()
    if error.connection_invalidated or isinstance(error.orig, psycopg2.OperationalError) or state.startswith(_UNAVAILABLE):
        log.warning("database unavailable: %s", fault(error))
        return unavailable()
    raise error


def fault(error: DBAPIError) -> str:
    """What is wrong with the database, in one line for the log, with what to do where that is known."""
    hint = "; run `payments-server migrate`" if getattr(error.orig, "pgcode", None) == _UNDEFINED_TABLE else ""
    return str(error.orig).partition("\n")[0] + hint
