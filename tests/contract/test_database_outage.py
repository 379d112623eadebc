"""The database freezes or drops its connections: honest answers while it lasts, and nothing to repair afterwards."""

import time
from collections.abc import Callable, Iterator

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from local.stack import Stack
from tests.database import Database
from tests.rest import Rest, assert_problem, document

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SECONDS = 20


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def health(channel: grpc.Channel, service: str) -> int:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    return int(answer.status)


@pytest.fixture
def frozen(running: Stack, stored: Database, rest: Rest) -> Iterator[str]:
    """PostgreSQL stopped in its tracks, every process of it; the id of a payment that it has."""
    if running.postgres is None:
        pytest.skip("the database is not this stack's own")
    id = str(rest.create()["id"])
    postmaster = psutil.Process(stored.connection.info.backend_pid).parent()
    assert postmaster
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield id
    finally:
        for process in processes:
            process.resume()
    until(lambda: rest.get("/status").status_code == 200, "the service did not come back")
    assert rest.get(f"/get/{id}").status_code == 200


def test_a_frozen_database_is_told_by_health_and_by_answers(channel: grpc.Channel, rest: Rest, frozen: str) -> None:
    assert_problem(rest.get(f"/get/{frozen}"), 503, "UNAVAILABLE")  # long before its deadline: health ends what waits
    until(lambda: health(channel, "") == NOT_SERVING, "health does not know")
    assert health(channel, "payments.v1.PaymentService") == NOT_SERVING
    assert health(channel, "liveness") == health(channel, "readiness") == SERVING
    assert_problem(rest.get("/status"), 503, "UNAVAILABLE")
    assert_problem(rest.post("/create", body=document()), 503, "UNAVAILABLE")
    assert_problem(rest.get("/list"), 503, "UNAVAILABLE")
    assert [rest.get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]


def test_dropped_connections_cost_reads_and_creates_nothing(rest: Rest, stored: Database) -> None:
    id, before = rest.create()["id"], stored.count()
    for number in range(10):
        stored.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        if number % 2:
            assert rest.get(f"/get/{id}").status_code == 200
        answer = rest.post("/create", body=document())
        assert answer.status_code == 200, answer.text
    assert stored.count() == before + 10


def test_a_dropped_connection_under_an_update_is_told_or_made_good(rest: Rest, stored: Database) -> None:
    id = rest.create()["id"]
    for _ in range(10):
        stored.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        answer = rest.put(f"/update/{id}", value={"status": "consumed"})
        if answer.status_code != 200:
            assert_problem(answer, 503, "UNAVAILABLE")
    assert rest.put(f"/update/{id}", value={"status": "inserted"}).status_code == 200
