"""The ledger can fail: whatever happens to a payment behind the service's back is found."""

from collections.abc import Iterator

import pytest

from tests.resilience.ledger import Verdict
from tests.resilience.load import Load
from tests.resilience.stage import PLAIN, Stage, staged

ONE = "(SELECT id FROM payments WHERE revision = 1 AND data ? 'key' LIMIT 1)"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(PLAIN) as started:
        yield started


@pytest.fixture
def written(stage: Stage) -> Stage:
    """A stage whose clients have written, read, updated and deleted."""
    stage.begin()
    with Load(stage.apis(), stage.ledger) as load:
        load.wait_for(60)
    assert stage.verdict() == Verdict([], [], [], [], [])
    assert stage.verdict().clean
    return stage


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (f"DELETE FROM payments WHERE id = {ONE}", "lost"),
        (
            "INSERT INTO payments (id, status, data, payment)"
            f" SELECT '01900000-0000-7000-8000-000000000001', status, data, payment FROM payments WHERE id = {ONE}",
            "duplicated",
        ),
        (
            "INSERT INTO payments (id, status, data, payment)"
            """ VALUES ('01900000-0000-7000-8000-000000000002', 1, '{"key": "unasked"}', 1)""",
            "foreign",
        ),
        (f"UPDATE payments SET payment = mod(payment + 1, 99999) WHERE id = {ONE}", "contradicted"),
        (f"UPDATE payments SET data = data || '{{\"more\": 1}}' WHERE id = {ONE}", "contradicted"),
        (f"UPDATE payments SET revision = revision + 1 WHERE id = {ONE}", "contradicted"),
        ("UPDATE payments SET status = 1 WHERE id = (SELECT id FROM payments WHERE status = 2 LIMIT 1)", "contradicted"),
        (f"DELETE FROM idempotency_keys WHERE payment_id = {ONE}", "contradicted"),
    ],
    ids=["lost", "duplicated", "unasked", "another amount", "other data", "updated twice", "update undone", "key forgotten"],
)
def test_what_happens_behind_the_service_is_found(written: Stage, statement: str, found: str) -> None:
    written.postgres.execute(statement)
    verdict = written.verdict()
    assert not verdict.clean
    assert getattr(verdict, found)


def test_a_deleted_payment_that_comes_back_is_found(written: Stage) -> None:
    entry = next(entry for entry in written.ledger.entries.values() if entry.deleted)
    with written.postgres.connected() as cursor:
        cursor.execute("INSERT INTO payments (id, status, data, payment) VALUES (%s, 1, %s, %s)", (entry.id, entry.data, entry.payment))
    assert written.verdict().foreign == [f"{entry.key}: deleted, and there"]


def test_an_update_that_is_lost_under_load_is_objected_to(stage: Stage) -> None:
    """A server that acknowledges updates and does not keep them, as a trigger makes it."""
    stage.begin()
    stage.postgres.execute(
        "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.status := OLD.status; RETURN NEW; END'",
        "CREATE TRIGGER forget BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION forget()",
    )
    with Load(stage.apis(), stage.ledger) as load:
        load.wait_for(60)
    stage.postgres.execute("DROP TRIGGER forget ON payments", "DROP FUNCTION forget")
    assert stage.verdict().untrue
