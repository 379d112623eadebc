"""A real PostgreSQL for the tests of this room, and a migrated database of its own for each test file."""

import contextlib
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from server import embedded
from server.database import Database
from server.embedded import EmbeddedPostgres
from server.migrate import migrate
from server.repository import Repository

_numbers = itertools.count()

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    # Under /tmp itself: pytest's own folders are closed to the account that PostgreSQL runs as when root runs the tests.
    with tempfile.TemporaryDirectory(prefix="payments-", dir="/tmp") as name, embedded.start(Path(name)) as started:
        yield started


@pytest.fixture(scope="module")
def new_database(postgres: EmbeddedPostgres) -> Callable[..., str]:
    """Makes an empty database and returns its URL; `options` are CREATE DATABASE's."""

    def create(options: str = "") -> str:
        name = f"test_{next(_numbers)}"
        run(postgres.url, f"CREATE DATABASE {name} {options}")
        return postgres.url.replace("/postgres?", f"/{name}?")

    return create


@pytest.fixture(scope="module")
def owner_url(new_database: Callable[..., str], app_role: str) -> str:
    """A migrated database, as its owner."""
    created = new_database()
    migrate(created, app_role)
    return created


@pytest.fixture(scope="session")
def app_role(postgres: EmbeddedPostgres) -> str:
    run(postgres.url, "CREATE ROLE payments_app LOGIN")
    return "payments_app"


@pytest.fixture(scope="module")
def url(owner_url: str, app_role: str) -> str:
    """The same as the role that serves, so that every test proves that its rights are enough."""
    return owner_url.replace("payments@", f"{app_role}@")


@pytest.fixture
def query(owner_url: str) -> Iterator[Query]:
    """Runs SQL on the file's database over the owner's own connection, in autocommit."""
    connection = psycopg2.connect(owner_url)
    connection.autocommit = True

    def rows(statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall() if cursor.description else []

    rows("TRUNCATE payments, idempotency_keys")
    yield rows
    connection.close()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url, pool_size=8)
    yield opened
    opened.close()


@pytest.fixture
def repository(database: Database, query: Query) -> Repository:
    """On empty tables."""
    return Repository(database)


@pytest.fixture
def deadline() -> float:
    return time.monotonic() + 30


def run(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


@pytest.fixture
def lock(query: Query) -> Callable[[str], contextlib.AbstractContextManager[None]]:
    """Another transaction holds the payment of an id for as long as the context lasts."""

    @contextlib.contextmanager
    def hold(id: str) -> Iterator[None]:
        query("BEGIN")
        query("SELECT FROM payments WHERE id = %s FOR UPDATE", id)
        try:
            yield
        finally:
            query("ROLLBACK")

    return hold


@pytest.fixture
def wait_for_a_waiter(query: Query) -> Callable[[], None]:
    """Waits until a transaction waits for a lock."""

    def wait() -> None:
        end = time.monotonic() + 10
        while not query("SELECT 1 FROM pg_locks WHERE NOT granted"):  # pg_stat_activity stands still within a transaction
            assert time.monotonic() < end
            time.sleep(0.01)

    return wait
