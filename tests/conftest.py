"""The running stack that every cross-room test talks to from outside: database, server and gateway as processes."""

from collections.abc import Iterator

import grpc
import pytest

from local.stack import Stack, stack, temporary_folder
from payments.v1 import payments_pb2_grpc
from tests.database import Database
from tests.keyed import Keyed, keyed_service
from tests.rest import Rest


@pytest.fixture(scope="session")
def running() -> Iterator[Stack]:
    with temporary_folder() as folder, stack(folder) as started:
        yield started


@pytest.fixture(scope="session")
def stored(running: Stack) -> Iterator[Database]:
    database = Database(running.database_url)
    yield database
    database.close()


@pytest.fixture(scope="module", autouse=True)
def empty_tables(stored: Database) -> None:
    """Each file starts with no payments, so that lists stay short and one file's leftovers never decide another's result."""
    stored.clear()


@pytest.fixture(scope="session")
def rest(running: Stack) -> Rest:
    return Rest(running.rest_url)


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
