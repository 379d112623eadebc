"""How PostgreSQL finds the rows of a statement in a large table: by an index, reading no more of them than the answer needs.

The statements are those that the repository sends, and what counts is what their execution read.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest

from server.repository import Repository, StatusChange

INSERTED, CONSUMED = 1, 2
STORED = 20_000
# The older half is consumed, as it is where consumers take the oldest first: a plan that looks for inserted ones from the start reads
# past all of these.
FILL = f"""INSERT INTO payments (id, status, data, payment)
SELECT lpad(to_hex(n), 32, '0')::uuid, CASE WHEN n <= {STORED // 2} THEN {CONSUMED} ELSE {INSERTED} END, '{{"order": 17}}', 1
FROM generate_series(1, {STORED}) AS n"""

Scan = dict[str, Any]
Scans = Callable[[Callable[[Repository, float], object]], list[Scan]]


class Noted(Exception):
    """In place of a statement's execution."""


class Notebook:
    """In place of a database: has the statement that it was to execute."""

    def execute(
        self, sql: str, parameters: Mapping[str, object], deadline: float, *, kind: str, repeatable: bool
    ) -> Sequence[Sequence[Any]]:
        self.sql, self.parameters = sql, parameters
        raise Noted


@pytest.fixture(scope="module")
def connection(owner_url: str) -> Iterator[Any]:
    connection = psycopg2.connect(owner_url)
    with connection.cursor() as cursor:
        cursor.execute(FILL)
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE payments")
    connection.autocommit = False
    yield connection
    connection.close()


@pytest.fixture
def scans(connection: Any) -> Scans:
    """Executes what a method of the repository sends, takes it back, and gives the nodes of the plan that read payments."""

    def explain(work: Callable[[Repository, float], object]) -> list[Scan]:
        notebook = Notebook()
        with pytest.raises(Noted):
            work(Repository(notebook), time.monotonic() + 30)  # type: ignore[arg-type]
        with _undone(connection) as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {notebook.sql}", notebook.parameters)
            ((plans,),) = cursor.fetchall()
        found = [
            node for node in _nodes(plans[0]["Plan"]) if node.get("Relation Name") == "payments" and node["Node Type"] != "ModifyTable"
        ]
        assert found, json.dumps(plans)
        return found

    return explain


@contextmanager
def _undone(connection: Any) -> Iterator[Any]:
    with connection.cursor() as cursor:
        yield cursor
    connection.rollback()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def rows_read(scan: Scan) -> int:
    """Those that were thrown away again too. A node's figures are the averages of its loops."""
    rows = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    return round(rows * scan["Actual Loops"])


def stored_id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012x}"


def assert_read(scans: list[Scan], most: int) -> None:
    assert "Seq Scan" not in {scan["Node Type"] for scan in scans}, scans
    assert max(map(rows_read, scans)) <= most, scans


def test_a_payment_is_found_by_its_id(scans: Scans) -> None:
    assert_read(scans(lambda repository, deadline: repository.get([stored_id(7)], deadline)), 1)


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_an_update_reads_the_payments_that_it_changes(scans: Scans, count: int) -> None:
    changes = [StatusChange(stored_id(number * 15 + 1), CONSUMED, None) for number in range(count)]
    assert_read(scans(lambda repository, deadline: repository.update(changes, deadline)), count)


def test_a_delete_reads_the_payment_that_it_deletes(scans: Scans) -> None:
    assert_read(scans(lambda repository, deadline: repository.delete(stored_id(7), None, deadline)), 1)


@pytest.mark.parametrize("after", ["", stored_id(9_000), stored_id(15_000)], ids=["first", "from 9000", "from 15000"])
@pytest.mark.parametrize("method", ["page", "page_json"])
@pytest.mark.parametrize("size", [100, 1000])
class TestPage:
    def test_a_page_reads_its_payments_and_one_more(self, scans: Scans, method: str, after: str, size: int) -> None:
        assert_read(scans(lambda repository, deadline: getattr(repository, method)(0, after, size, deadline)), size + 1)

    @pytest.mark.parametrize("status", [INSERTED, CONSUMED])
    def test_a_page_of_a_status_reads_none_of_the_other(self, scans: Scans, method: str, status: int, after: str, size: int) -> None:
        assert_read(scans(lambda repository, deadline: getattr(repository, method)(status, after, size, deadline)), size + 1)
