"""PostgreSQL restarts, freezes, refuses, runs out of something, or sends transactions back."""

import contextlib
import time

import psycopg2

from tests.resilience import disk
from tests.resilience.fault import Fault
from tests.resilience.outage import assert_told, flat_memory
from tests.resilience.postgres import CONNECTIONS
from tests.resilience.stage import Layout, Stage, until

FROZEN = 10.0  # seconds
REFUSING = 30.0
SHORT = 5.0
_CONFLICTS = 2  # at least, so that the fault has been one
_ATTEMPTS = 60


def restarted(stage: Stage) -> None:
    stage.postgres.stop("fast")
    stage.postgres.start()


def frozen(stage: Stage, seconds: float = FROZEN) -> None:
    with flat_memory(stage):
        begin = time.monotonic()
        processes = stage.postgres.processes()
        for process in processes:
            process.suspend()
        try:
            assert_told(stage)
            time.sleep(max(0.0, begin + seconds - time.monotonic()))
        finally:
            for process in processes:
                process.resume()
        stage.postgres.wait()


def frozen_until_told(stage: Stage) -> None:
    frozen(stage, 0)


def refusing(stage: Stage, seconds: float = REFUSING) -> None:
    with flat_memory(stage):
        stage.postgres.stop("fast")
        end = time.monotonic() + seconds
        try:
            assert_told(stage)
            time.sleep(max(0.0, end - time.monotonic()))
        finally:
            stage.postgres.start()


def refusing_for_a_moment(stage: Stage) -> None:
    refusing(stage, 1.0)


def out_of_connections(stage: Stage) -> None:
    """All of them are another client's, and those that the servers had are gone."""
    with contextlib.ExitStack() as taken:
        cursor = taken.enter_context(stage.postgres.connected())
        until(lambda: _take(stage, taken), "all connections are taken")
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'payments-server'")
        until(lambda: _take(stage, taken), "all connections are taken")
        assert_told(stage)
        time.sleep(SHORT)


def _take(stage: Stage, taken: contextlib.ExitStack) -> bool:
    """Opens connections until there is none left."""
    for _ in range(CONNECTIONS + 1):
        try:
            taken.enter_context(stage.postgres.connected())
        except psycopg2.OperationalError:
            return True
    return False


def out_of_disk(stage: Stage) -> None:
    """PostgreSQL may give up altogether; then it is started again when there is space."""
    filler = disk.fill(stage.folder / "disk")
    try:
        until(lambda: _refused(stage), "a full disk fails writes")
        time.sleep(SHORT)
    finally:
        filler.unlink()
    if not stage.postgres.running:
        stage.postgres.start()
    stage.postgres.wait()


def _refused(stage: Stage) -> bool:
    status, headers, _ = stage.try_create()
    return status == 503 and int(headers["Retry-After"]) >= 1


def read_only(stage: Stage) -> None:
    """As a standby that is not promoted yet: reads work, writes are refused."""
    id = next(entry.id for entry in list(stage.ledger.entries.values()) if entry.id and entry.deleted is False)
    stage.postgres.configure("default_transaction_read_only", "on")
    until(lambda: stage.try_create()[0] == 503, "writes are refused")
    end = time.monotonic() + SHORT
    while time.monotonic() < end:
        assert stage.get(f"/get/{id}")[0] == 200
        status, headers, body = stage.try_create()
        assert status == 503 and headers["Retry-After"], body
    with stage.postgres.connected() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
        cursor.execute("ALTER SYSTEM RESET default_transaction_read_only")
        cursor.execute("SELECT pg_reload_conf()")
    stage.postgres.wait()


def failed_over(stage: Stage) -> None:
    """The primary dies, and its standby takes no writes until it is promoted."""
    assert stage.standby
    stage.postgres.kill()
    assert_told(stage)
    stage.postgres, stage.standby = stage.standby, None
    stage.postgres.promote()


def deadlock(stage: Stage) -> None:
    """Another transaction holds the rows that updates want, then wants the table, which the updates hold. It is the more patient."""
    _against_updates(stage, "LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")


def serialization_failure(stage: Stage) -> None:
    """Under REPEATABLE READ an update that waits for another one of its row fails."""
    stage.postgres.configure("default_transaction_isolation", "'repeatable read'")
    try:
        _against_updates(stage, "UPDATE payments SET status = status", "COMMIT")
    finally:
        stage.postgres.configure("default_transaction_isolation", None)


def _against_updates(stage: Stage, *statements: str) -> None:
    """Executes them in a transaction that holds every row, while somebody waits for one of these, until conflicts have been told."""
    for _ in range(_ATTEMPTS):
        if _conflicts(stage) >= _CONFLICTS:
            return
        with stage.postgres.connected(autocommit=False) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute("SET LOCAL deadlock_timeout = '1min'")
            cursor.execute("SELECT FROM payments FOR UPDATE")
            if _somebody_waits(stage):
                for statement in statements:
                    cursor.execute(statement)
            cursor.execute("ROLLBACK")
    raise AssertionError(f"{_conflicts(stage)} conflicts in {_ATTEMPTS} attempts")


def _somebody_waits(stage: Stage) -> bool:
    """Soon or never: clients create payments of their own, and update none that is older."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        if stage.postgres.rows("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"):
            return True
        time.sleep(0.02)
    return False


def _conflicts(stage: Stage) -> int:
    return sum("CONFLICT" in text for _, text in list(stage.ledger.failures))


QUICK = [
    Fault("PostgreSQL restarted", "the servers connect again by themselves", restarted),
    Fault("PostgreSQL refuses connections for a moment", "told at once, refused fast, back by itself", refusing_for_a_moment),
    Fault("PostgreSQL frozen (SIGSTOP) until that is told", "told, refused fast; late answers change nothing", frozen_until_told),
    Fault("a deadlock", "one transaction is undone, told as ABORTED / 409, and can be sent again", deadlock),
]
FAULTS = [
    QUICK[0],
    Fault("PostgreSQL frozen (SIGSTOP) for 10 s", "told, refused fast, memory flat; late answers change nothing", frozen),
    Fault("PostgreSQL refuses connections for 30 s", "told, refused fast, memory flat, back by itself", refusing),
    Fault("PostgreSQL out of connections", "told, refused fast, back by itself", out_of_connections),
    Fault("PostgreSQL read-only", "reads work, writes are refused fast with 503 and Retry-After", read_only),
    QUICK[3],
    Fault("a serialization failure", "told as ABORTED / 409, and can be sent again", serialization_failure),
    Fault("PostgreSQL's standby promoted", "told until then; the standby has all that was acknowledged", failed_over, Layout(standby=True)),
    Fault("PostgreSQL out of disk", "writes are refused with 503; back with the space", out_of_disk, Layout(disk=256)),
]
