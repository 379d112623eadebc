"""Behind a transaction pooler: a short form of its faults, and nothing of the service is left on connections that others get next."""

from collections.abc import Iterator

import psycopg2
import pytest

from tests.pooler import PROGRAM
from tests.resilience.fault import Fault, run
from tests.resilience.faults import pooler
from tests.resilience.load import Load
from tests.resilience.stage import Stage, staged

WRITES = 150

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed: apt-get install pgbouncer")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(pooler.POOLED) as started:
        yield started


def test_nothing_is_left_on_shared_connections(stage: Stage) -> None:
    """Settings, advisory locks and prepared statements can outlive a transaction; a migration has gone this way, too."""
    assert stage.pooler
    stage.begin()
    with Load(stage.apis(), stage.ledger) as load:
        load.wait_for(60)
    shared = [psycopg2.connect(stage.pooler.url) for _ in range(stage.pooler.pool)]
    try:
        pids = set()
        for connection in shared:  # each keeps its transaction open, and so gets a connection to PostgreSQL of its own
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids |= set(cursor.fetchall())
                cursor.execute(
                    "SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding')"
                )
                assert cursor.fetchall() == []
                cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' UNION ALL SELECT 1 FROM pg_prepared_statements")
                assert cursor.fetchall() == []
        assert len(pids) == stage.pooler.pool
    finally:
        for connection in shared:
            connection.close()


@pytest.mark.parametrize("fault", pooler.FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_done_twice(stage: Stage, fault: Fault) -> None:
    outcome = run(fault, stage, WRITES)
    assert outcome.broken == []
    assert outcome.writes >= WRITES
