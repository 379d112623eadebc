"""A PostgreSQL that says nothing: statements fail soon after their deadline, and the pool is whole again."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest

from server.database import Database
from server.errors import Failure
from server.patience import OVERDUE
from tests.resilience.proxy import Proxy

POOL = 2
TIMEOUT = 0.5  # seconds


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    with psycopg2.connect(url) as connection:
        socket = f"{connection.info.host}/.s.PGSQL.{connection.info.port}"
    proxy = Proxy(socket)
    yield proxy
    proxy.close()


@pytest.fixture
def behind(url: str, proxy: Proxy) -> Iterator[Database]:
    """A database that is reached over the proxy."""
    database = Database(url.partition("?")[0].replace("@/", f"@{proxy.address}/"), POOL)
    yield database
    database.close()


def ask(database: Database, seconds: float = TIMEOUT) -> Any:
    return database.execute("SELECT 1", {}, time.monotonic() + seconds, kind="test", repeatable=True)


async def test_half_open_connections_are_given_up_soon_after_the_deadline(behind: Database, proxy: Proxy) -> None:
    """All threads hang in statements that nothing will answer."""
    assert [each[0][0] for each in await asyncio.gather(*(behind.run(ask, behind, 10.0) for _ in range(POOL)))] == [1] * POOL
    proxy.forget()
    begin = time.monotonic()
    with pytest.raises(Failure, match="in time"):
        await behind.run(ask, behind)
    assert TIMEOUT < time.monotonic() - begin < TIMEOUT + OVERDUE + 1.5
    while True:  # the other connection of the pool is as dead
        try:
            assert (await behind.run(ask, behind))[0][0] == 1
            break
        except Failure:
            assert time.monotonic() < begin + 10


def test_a_connection_to_a_standby_is_not_kept(database: Database, query: Callable[..., Any]) -> None:
    """After a failover the name leads elsewhere, and only a new connection goes there."""
    ((name,),) = database.execute("SELECT current_database()", {}, time.monotonic() + 5, kind="test", repeatable=True)
    query(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        database.engine.dispose()
        ((backend,),) = database.execute("SELECT pg_backend_pid()", {}, time.monotonic() + 5, kind="test", repeatable=True)
        with pytest.raises(Failure, match="not available"):
            database.execute("DELETE FROM payments RETURNING 1", {}, time.monotonic() + 5, kind="test", repeatable=False)
        ((after,),) = database.execute("SELECT pg_backend_pid()", {}, time.monotonic() + 5, kind="test", repeatable=True)
    finally:
        query("SET default_transaction_read_only = off")
        query(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert after != backend
