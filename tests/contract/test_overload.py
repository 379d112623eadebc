"""More requests than the gateway has places for: excess is refused with a hint, and what was accepted is answered."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from gateway.tests.gateway_process import Gateway
from local.stack import Stack
from tests.database import Database
from tests.rest import Rest, assert_problem, document

PLACES = 8


@pytest.fixture
def small(running: Stack) -> Iterator[Rest]:
    """A gateway with few places, beside the stack's own."""
    with Gateway("--server", running.grpc_target, "--max-in-flight", str(PLACES)) as gateway:
        gateway.wait_until_serving()
        yield Rest(f"http://{gateway.address}")
        assert gateway.stop()[0] == 0


def test_excess_is_refused_with_a_hint_health_answers_and_what_was_accepted_is_done(running: Stack, small: Rest, stored: Database) -> None:
    before = stored.count()
    connection = psycopg2.connect(running.database_url)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE payments IN SHARE MODE")

    def create() -> tuple[int, float]:
        begin = time.monotonic()
        answer = Rest(small.url).post("/create", body=document())
        if answer.status_code != 200:
            assert_problem(answer, 429, "RESOURCE_EXHAUSTED", reason="TOO_MANY_REQUESTS")
            assert answer.headers["Retry-After"] == "2"
        return answer.status_code, time.monotonic() - begin

    with ThreadPoolExecutor(PLACES * 3) as pool:
        calls = [pool.submit(create) for _ in range(PLACES * 3)]
        time.sleep(2.8)
        refused = [call.result() for call in calls if call.done()]
        assert len(refused) == PLACES * 2
        assert {status for status, _ in refused} == {429}
        assert [small.get(path).status_code for path in ("/readyz", "/livez")] == [200, 200]
        connection.rollback()
        statuses = [call.result()[0] for call in calls]
    connection.close()
    assert statuses.count(200) == PLACES
    assert stored.count() == before + PLACES
    assert small.post("/create", body=document()).status_code == 200
