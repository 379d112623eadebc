"""The running stack that every cross-room test talks to from outside: database, server and gateway as processes."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import grpc
import pytest

from local.stack import Stack, stack, temporary_folder
from payments.v1 import payments_pb2_grpc
from server import embedded
from tests.database import Database
from tests.e2e.service import find_door, forwarded_database
from tests.keyed import Keyed, keyed_service
from tests.pooler import pooled
from tests.rest import Rest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pooler", action="store_true", help="put pgbouncer, in transaction mode, between the servers and PostgreSQL")
    parser.addoption("--deployed", action="store_true", help="through the ingress of the current Kubernetes context (make e2e)")


@pytest.fixture(scope="session")
def running(pytestconfig: pytest.Config) -> Iterator[Stack]:
    with contextlib.ExitStack() as started:
        folder = started.enter_context(temporary_folder())
        if not pytestconfig.getoption("pooler"):
            yield started.enter_context(stack(folder))
            return
        postgres = started.enter_context(embedded.start(folder))
        pooler = started.enter_context(pooled(folder, postgres.url))
        yield replace(started.enter_context(stack(folder, database_url=pooler.url)), postgres=postgres)


@pytest.fixture(scope="session")
def stored(request: pytest.FixtureRequest) -> Iterator[Database]:
    """By a connection of its own to PostgreSQL, whatever stands between that and the servers."""
    with contextlib.ExitStack() as opened:
        if request.config.getoption("deployed"):
            url = opened.enter_context(forwarded_database())
        else:
            running: Stack = request.getfixturevalue("running")
            url = running.postgres.url if running.postgres else running.database_url
        database = Database(url)
        opened.callback(database.close)
        yield database


@pytest.fixture(scope="module", autouse=True)
def empty_tables(stored: Database) -> None:
    """Each file starts with no payments, so that lists stay short and one file's leftovers never decide another's result."""
    stored.clear()


@pytest.fixture(scope="session")
def rest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rest:
    if request.config.getoption("deployed"):
        return find_door(tmp_path_factory.mktemp("door")).rest()
    return Rest(request.getfixturevalue("running").rest_url)


@pytest.fixture(scope="session")
def keyed(running: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    with keyed_service(running, tmp_path_factory.mktemp("keys")) as service:
        yield service


@pytest.fixture(scope="session")
def channel(running: Stack) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(running.grpc_target) as channel:
        yield channel


@pytest.fixture(scope="session")
def payments(channel: grpc.Channel) -> payments_pb2_grpc.PaymentServiceStub:
    return payments_pb2_grpc.PaymentServiceStub(channel)


@pytest.fixture
def nothing_written(stored: Database) -> Iterator[None]:
    """The test leaves every table as it found it."""
    before = stored.fingerprint()
    yield
    assert stored.fingerprint() == before
