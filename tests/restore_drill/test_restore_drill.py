"""A short form of the drill; `make restore-drill` writes more. And that it finds what a restored database should not be."""

from collections.abc import Iterator

import pytest

from tests.resilience.stage import PLAIN, Stage, staged
from tests.restore_drill import dump, point_in_time
from tests.restore_drill.report import Report

WRITES = 60


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(PLAIN) as started:
        yield started


@pytest.fixture(scope="module", params=[dump.drill, point_in_time.drill], ids=["dump", "point in time"])
def report(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Report]:
    with request.param(stage, WRITES) as restored:
        yield restored


def test_what_was_acknowledged_before_the_moment_is_there_and_nothing_that_was_asked_for_after_it(report: Report) -> None:
    assert report.check()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM payments WHERE data->>'key' = %s", "lost"),
        ("UPDATE payments SET revision = revision + 2 WHERE data->>'key' = %s", "contradicted"),
        ("DELETE FROM idempotency_keys WHERE key = %s", "contradicted"),
        ("UPDATE payments SET data = data || '{\"key\": \"later\"}' WHERE data->>'key' = %s", "foreign"),
    ],
)
def test_a_copy_that_is_not_what_was_acknowledged_is_found(report: Report, statement: str, found: str) -> None:
    kept = next(key for key, entry in report.moment.known.items() if entry.id and entry.deleted is False)
    report.copy.execute("BEGIN")
    report.copy.execute(statement, kept)
    verdict = report.moment.verdict(report.copy)
    report.copy.execute("ROLLBACK")
    assert getattr(verdict, found)
    assert report.moment.verdict(report.copy).clean
