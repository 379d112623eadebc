"""What is in the tables after creates, changes and reads, also when they come at the same time."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import pytest
from google.rpc import code_pb2

from payments.v1 import uuid7
from server.database import Database
from server.errors import Failure
from server.limits import MOST
from server.repository import NewPayment, Payment, Repository, StatusChange

T = TypeVar("T")
Query = Callable[..., list[tuple[Any, ...]]]
INSERTED, CONSUMED = 1, 2


def new(data: str = "{}", payment: str = "1", key: str = "", status: int = INSERTED, id: str = "", client: str = "") -> NewPayment:
    return NewPayment(id or uuid7.new(), status, data, payment, client, key)


def stored(outcome: Payment | Failure) -> Payment:
    assert isinstance(outcome, Payment), outcome
    return outcome


def update(repository: Repository, id: str, status: int, revision: int | None, deadline: float) -> Payment:
    """Of one payment. Raises Failure."""
    (outcome,) = repository.update([StatusChange(id, status, revision)], deadline)
    if isinstance(outcome, Failure):
        raise outcome
    return outcome


def refused(outcome: Payment | Failure) -> str:
    assert isinstance(outcome, Failure), outcome
    return outcome.reason


def at_once(*works: Callable[[], T]) -> list[T]:
    """Starts the works at one moment, each in a thread."""
    barrier = threading.Barrier(len(works))

    def start(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(start, works))


@pytest.fixture
def payment(repository: Repository, deadline: float) -> Payment:
    return stored(repository.create([new()], deadline)[0])


@pytest.fixture
def locked(payment: Payment, lock: Callable[[str], AbstractContextManager[None]]) -> Iterator[Payment]:
    """A payment that another transaction holds."""
    with lock(payment.id):
        yield payment


def test_a_payment_comes_back_as_the_equal_value(repository: Repository, deadline: float) -> None:
    item = new('{"b": [1.50, 1e2, 12345678901234567890.123456789], "a": "é \\u0041 %s :x $1"}', "1234.5", status=CONSUMED)
    (outcome,) = repository.create([item], deadline)
    (payment,) = repository.get([item.id], deadline)
    assert isinstance(payment, Payment)
    assert payment == outcome
    assert json.loads(payment.data, parse_float=str) == {"a": "é A %s :x $1", "b": ["1.50", 100, "12345678901234567890.123456789"]}
    assert (payment.id, payment.status, payment.payment, payment.revision) == (item.id, CONSUMED, "1234.50", 1)
    assert payment.create_time == payment.update_time
    assert abs(payment.create_time / 1e6 - time.time()) < 60


def test_outcomes_are_in_the_order_of_the_items(repository: Repository, deadline: float) -> None:
    items = [new(payment=str(n), key=f"key-{n}" if n % 2 else "") for n in range(40)][::-1]
    assert [stored(outcome).payment for outcome in repository.create(items, deadline)] == [f"{n}.00" for n in range(40)][::-1]


def test_creates_with_one_key_at_once_make_one_payment(repository: Repository, query: Query, deadline: float) -> None:
    for key in map(str, range(20)):
        works = [lambda key=key: repository.create([new(key=key)], deadline)[0] for _ in range(8)]  # type: ignore[misc]
        assert len({stored(outcome).id for outcome in at_once(*works)}) == 1
    assert query("SELECT count(*) FROM payments") == [(20,)]


def test_batches_that_share_keys_in_opposite_order_do_not_deadlock(repository: Repository, query: Query, deadline: float) -> None:
    keys = [f"key-{n}" for n in range(200)]
    for _ in range(3):
        batches = [[new(key=key) for key in order] for order in (keys, keys[::-1], keys, keys[::-1])]
        answers = at_once(*[lambda batch=batch: repository.create(batch, deadline) for batch in batches])  # type: ignore[misc]
        ids = [{item.key: stored(outcome).id for item, outcome in zip(*pair, strict=True)} for pair in zip(batches, answers, strict=True)]
        assert all(each == ids[0] for each in ids)
    assert query("SELECT count(*) FROM payments") == [(200,)]


def test_a_key_twice_in_a_batch_is_replayed_or_refused(repository: Repository, query: Query, deadline: float) -> None:
    items = [new('{"a": 1}', key="k"), new('{"a": 1.0}', key="k"), new('{"a": 2}', key="k"), new(key="other")]
    first, second, third, other = repository.create(items, deadline)
    assert stored(first) == stored(second)
    assert refused(third) == "IDEMPOTENCY_KEY_REUSED"
    assert stored(other).id == items[3].id
    assert query("SELECT count(*) FROM payments") == [(2,)]


def test_a_key_means_nothing_to_another_client_in_a_group_or_later(repository: Repository, query: Query, deadline: float) -> None:
    def group() -> list[NewPayment]:
        clients = ("b", "a", "", "a", "b")
        keys = ("k", "k", "k", "other", "k")
        return [new(f'{{"client": "{client}"}}', key=key, client=client) for client, key in zip(clients, keys, strict=True)]

    first = [stored(outcome) for outcome in repository.create(group(), deadline)]
    assert [json.loads(payment.data)["client"] for payment in first] == ["b", "a", "", "a", "b"]
    assert len({payment.id for payment in first}) == 4 and first[0] == first[4]
    assert [stored(outcome) for outcome in repository.create(group(), deadline)] == first
    foreign = repository.create([new('{"client": "a"}', key="k", client="b"), new('{"client": "a"}', key="k", client="a")], deadline)
    assert (refused(foreign[0]), stored(foreign[1])) == ("IDEMPOTENCY_KEY_REUSED", first[1])
    assert query("SELECT client, key FROM idempotency_keys ORDER BY 1, 2") == [("", "k"), ("a", "k"), ("a", "other"), ("b", "k")]
    assert query("SELECT count(*) FROM payments") == [(4,)]


def test_groups_of_clients_that_share_keys_do_not_deadlock(repository: Repository, query: Query, deadline: float) -> None:
    pairs = [(client, f"key-{n}") for n in range(50) for client in ("a", "b", "c")]
    for _ in range(3):
        groups = [[new(key=key, client=client) for client, key in order] for order in (pairs, pairs[::-1], sorted(pairs), pairs[::-1])]
        answers = at_once(*[lambda group=group: repository.create(group, deadline) for group in groups])  # type: ignore[misc]
        assert all(stored(outcome) for outcomes in answers for outcome in outcomes)
    assert query("SELECT count(*) FROM payments") == [(150,)]


def test_a_replay_is_answered_with_the_payment_as_it_is_now(repository: Repository, deadline: float) -> None:
    (first,) = repository.create([new(key="k")], deadline)
    updated = update(repository, stored(first).id, CONSUMED, None, deadline)
    assert repository.create([new(key="k")], deadline) == [updated]


@pytest.mark.parametrize("other", [new('{"a": 1}', key="k"), new(payment="2", key="k"), new(status=CONSUMED, key="k")])
def test_a_reused_key_with_other_content_is_refused(repository: Repository, query: Query, deadline: float, other: NewPayment) -> None:
    repository.create([new(key="k")], deadline)
    assert refused(repository.create([other], deadline)[0]) == "IDEMPOTENCY_KEY_REUSED"
    assert query("SELECT count(*) FROM payments") == [(1,)]


def test_a_replay_never_brings_a_deleted_payment_back(repository: Repository, query: Query, deadline: float) -> None:
    (first,) = repository.create([new(key="k")], deadline)
    repository.delete(stored(first).id, None, deadline)
    assert refused(repository.create([new(key="k")], deadline)[0]) == "PAYMENT_NOT_FOUND"
    assert query("SELECT count(*) FROM payments") == [(0,)]


def test_a_key_older_than_seven_days_is_free_again(repository: Repository, query: Query, deadline: float) -> None:
    repository.create([new(key="young"), new(key="old")], deadline)
    query("UPDATE idempotency_keys SET create_time = now() - interval '7 days' + interval '1 minute' WHERE key = 'young'")
    query("UPDATE idempotency_keys SET create_time = now() - interval '7 days' - interval '1 minute' WHERE key = 'old'")
    young, old = (new('{"another": true}', key=key) for key in ("young", "old"))
    outcomes = repository.create([young, old], deadline)
    assert refused(outcomes[0]) == "IDEMPOTENCY_KEY_REUSED"
    assert stored(outcomes[1]).id == old.id
    assert repository.create([new('{"another": true}', key="old")], deadline) == [outcomes[1]]


def test_pruning_forgets_old_keys_only_and_a_thousand_at_a_time(repository: Repository, query: Query, deadline: float) -> None:
    repository.create([new(key=f"key-{n}") for n in range(1100)], deadline)
    query("UPDATE idempotency_keys SET create_time = now() - interval '8 days' WHERE key <> 'key-0'")
    assert [repository.prune_keys(deadline) for _ in range(3)] == [1000, 99, 0]
    assert query("SELECT key FROM idempotency_keys") == [("key-0",)]
    assert query("SELECT count(*) FROM payments") == [(1100,)]


def test_a_create_repeated_under_its_id_is_answered_with_the_stored_payment(repository: Repository, deadline: float) -> None:
    id = uuid7.new()
    (first,) = repository.create([new('{"a": 1, "b": 2}', id=id)], deadline)
    assert repository.create([new('{"b": 2.0, "a": 1}', "1.00", id=id)], deadline) == [first]
    assert refused(repository.create([new('{"a": 1}', id=id)], deadline)[0]) == "PAYMENT_EXISTS"
    assert repository.get([id], deadline) == [first]


@pytest.mark.parametrize("keyed", [False, True])
def test_a_row_that_postgresql_refuses_fails_alone(
    repository: Repository, query: Query, deadline: float, keyed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    unstorable = '{"a": "\\u0000"}'  # which the service's own rules would have refused
    items = [new(data, key=f"key-{n}" if keyed else "") for n, data in enumerate(["{}", unstorable, "{}"])]
    first, second, third = repository.create(items, deadline)
    assert refused(second) == "INTERNAL"
    assert [stored(first).id, stored(third).id] == [items[0].id, items[2].id]
    assert query("SELECT count(*) FROM payments") == [(2,)]
    assert isinstance(second, Failure)
    assert "u0000" not in second.message
    assert second.message.rpartition(" ")[2].rstrip(".") in caplog.text


def test_of_changes_to_one_revision_at_once_one_is_made(repository: Repository, payment: Payment, deadline: float) -> None:
    def consume() -> Payment | Failure:
        try:
            return update(repository, payment.id, CONSUMED, 1, deadline)
        except Failure as failure:
            return failure

    outcomes = at_once(*[consume] * 8)
    assert [outcome.revision for outcome in outcomes if isinstance(outcome, Payment)] == [2]
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Failure)] == ["ETAG_MISMATCH"] * 7


def test_an_update_counts_the_revision_and_moves_the_time(repository: Repository, payment: Payment, deadline: float) -> None:
    updated = update(repository, payment.id, CONSUMED, None, deadline)
    assert (updated.status, updated.revision, updated.create_time) == (CONSUMED, 2, payment.create_time)
    assert updated.update_time > payment.update_time


def test_update_time_never_lies_before_create_time(repository: Repository, query: Query, payment: Payment, deadline: float) -> None:
    query("UPDATE payments SET create_time = now() + interval '1 hour', update_time = now() + interval '1 hour'")
    updated = update(repository, payment.id, CONSUMED, None, deadline)
    assert updated.update_time == updated.create_time


def test_many_are_read_at_once_each_in_its_place_and_as_often_as_it_was_asked_for(repository: Repository, deadline: float) -> None:
    ids = [stored(outcome).id for outcome in repository.create([new(payment=str(n)) for n in range(20)], deadline)]
    absent = uuid7.new()
    outcomes = repository.get([ids[3], absent, *ids, ids[3]], deadline)
    assert refused(outcomes[1]) == "PAYMENT_NOT_FOUND"
    assert [stored(outcome).id for number, outcome in enumerate(outcomes) if number != 1] == [ids[3], *ids, ids[3]]


def test_a_delete_of_another_revision_deletes_nothing(repository: Repository, payment: Payment, deadline: float) -> None:
    with pytest.raises(Failure) as raised:
        repository.delete(payment.id, 2, deadline)
    assert raised.value.reason == "ETAG_MISMATCH"
    assert repository.delete(payment.id, 1, deadline) == payment
    for change in (repository.delete, lambda id, revision, deadline: update(repository, id, CONSUMED, revision, deadline)):
        for revision in (None, 1):
            with pytest.raises(Failure) as raised:
                change(payment.id, revision, deadline)
            assert raised.value.reason == "PAYMENT_NOT_FOUND"


def test_pages_hold_every_payment_once_and_end_at_their_size(repository: Repository, deadline: float) -> None:
    items = [new(payment=str(n), status=1 + n % 2) for n in range(25)]
    repository.create(items, deadline)
    for status, expected in ((0, items), (1, items[::2]), (2, items[1::2])):
        for size in (1, 4, len(expected) - 1, len(expected), 1000):
            found: list[str] = []
            page = repository.page(status, "", size, deadline)
            while page.more:
                assert len(page.content) == size
                found += [payment.id for payment in page.content]
                page = repository.page(status, found[-1], size, deadline)
            found += [payment.id for payment in page.content]
            assert found == [item.id for item in expected]


def test_a_page_as_text_holds_the_same_payments_and_ends_at_the_same_place(repository: Repository, deadline: float) -> None:
    repository.create([new('{"a": "' + "x" * 60_000 + '"}', status=1 + n % 2) for n in range(20)], deadline)
    repository.create([new(payment=str(n), status=1 + n % 2) for n in range(30)], deadline)
    for status in (0, 1, 2):
        for size in (1, 4, 1000):
            after, more = "", True
            while more:
                page, text = repository.page(status, after, size, deadline), repository.page_json(status, after, size, deadline)
                assert [each["id"] for each in json.loads(f"[{text.content}]")] == [payment.id for payment in page.content]
                assert (text.last, text.more) == (page.last, page.more)
                after, more = page.last, page.more


def test_a_page_of_nothing_is_no_text(repository: Repository, deadline: float) -> None:
    assert repository.page_json(0, "", 1000, deadline) == ("", "", False)


def test_a_page_ends_at_one_mebibyte_and_reads_no_further(repository: Repository, deadline: float) -> None:
    items = [new('{"a": "' + "x" * 60_000 + '"}') for _ in range(20)]
    repository.create(items, deadline)
    page = repository.page(0, "", 1000, deadline)
    assert page.more
    assert 16 <= len(page.content) <= MOST.page_bytes // 60_000
    rest = repository.page(0, page.content[-1].id, 1000, deadline)
    assert [payment.id for payment in page.content + rest.content] == [item.id for item in items]
    assert not rest.more


def test_a_payment_larger_than_a_page_is_a_page_of_its_own(repository: Repository, deadline: float) -> None:
    items = [new('{"a": [' + ",".join(["1e999"] * 1200) + "]}") for _ in range(2)]
    repository.create(items, deadline)
    page = repository.page(0, "", 1000, deadline)
    assert ([payment.id for payment in page.content], page.more) == ([items[0].id], True)
    assert len(page.content[0].data) > MOST.page_bytes


def test_postgresql_itself_ends_a_statement_at_its_deadline(repository: Repository, locked: Payment, query: Query) -> None:
    begin = time.monotonic()
    with pytest.raises(Failure) as raised:
        update(repository, locked.id, CONSUMED, None, begin + 0.3)
    assert raised.value.code == code_pb2.DEADLINE_EXCEEDED
    assert 0.25 < time.monotonic() - begin < 2


def test_no_timeout_stays_behind_on_the_connection(url: str) -> None:
    database = Database(url, pool_size=1)
    try:
        database.execute("SELECT 1", {}, time.monotonic() + 5, kind="test", repeatable=False)
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"
    finally:
        database.close()


def test_a_statement_past_its_deadline_is_not_sent(repository: Repository, query: Query) -> None:
    with pytest.raises(Failure) as raised:
        repository.create([new()], time.monotonic() - 1)
    assert raised.value.code == code_pb2.DEADLINE_EXCEEDED
    assert query("SELECT count(*) FROM payments") == [(0,)]


def test_a_connection_lost_while_idle_costs_no_call(url: str, query: Query, deadline: float) -> None:
    database = Database(url, pool_size=1)
    repository = Repository(database)
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    try:
        (payment,) = repository.create([new()], deadline)
        id = stored(payment).id
        for call in (
            lambda: repository.get([id], deadline),
            lambda: stored(repository.create([new()], deadline)[0]),
            lambda: update(repository, id, CONSUMED, 1, deadline),
            lambda: repository.delete(id, 2, deadline),
        ):
            assert query(others) == [(True,)]
            assert call()
    finally:
        database.close()
