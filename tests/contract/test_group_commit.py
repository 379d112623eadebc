"""Calls that share a statement in the server: turns, neighbours, lost connections and deadlines stay each call's own."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import psycopg2
import pytest

from local.stack import Stack
from payments.v1 import payments_pb2 as pb
from payments.v1 import payments_pb2_grpc
from tests.database import Database
from tests.rpc import failed_with

INSERTED, CONSUMED = pb.STATUS_INSERTED, pb.STATUS_CONSUMED
_TERMINATE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name = 'payments-server' AND state = 'active' AND pid <> pg_backend_pid()"""


@pytest.fixture
def payment(payments: payments_pb2_grpc.PaymentServiceStub) -> pb.Payment:
    return payments.CreatePayment(pb.CreatePaymentRequest(data="{}", payment="1"))


@pytest.fixture
def locked(running: Stack, payment: pb.Payment) -> Iterator[psycopg2.extensions.connection]:
    """A transaction that holds the whole table until it ends."""
    connection = psycopg2.connect(running.database_url)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")
    yield connection
    connection.close()


def test_updates_of_one_payment_that_wait_together_are_made_one_after_the_other(
    payments: payments_pb2_grpc.PaymentServiceStub, payment: pb.Payment
) -> None:
    """gRPC promises no order among the calls of a connection, so each answer tells which update it was; none may be lost or merged."""
    statuses = [CONSUMED if number % 3 else INSERTED for number in range(200)]
    calls = [payments.UpdatePayment.future(pb.UpdatePaymentRequest(id=payment.id, status=status)) for status in statuses]
    answers = [call.result(timeout=30) for call in calls]
    assert sorted(int(answer.etag) for answer in answers) == list(range(2, 202))
    assert [answer.status for answer in answers] == statuses
    last = max(answers, key=lambda answer: int(answer.etag))
    assert payments.GetPayment(pb.GetPaymentRequest(id=payment.id)) == last


def test_a_row_that_the_database_refuses_fails_alone(payments: payments_pb2_grpc.PaymentServiceStub, stored: Database) -> None:
    """The server's own checks let nothing through that PostgreSQL refuses, so that a constraint stands in for what they may miss one day."""
    stored.execute("ALTER TABLE payments ADD CONSTRAINT refused CHECK (payment <> 66.66)")
    try:
        amounts = ["66.66" if number % 9 == 5 else "1" for number in range(180)]
        calls = [payments.CreatePayment.future(pb.CreatePaymentRequest(data="{}", payment=amount)) for amount in amounts]
        codes = [call.code() for call in calls]
    finally:
        stored.execute("ALTER TABLE payments DROP CONSTRAINT refused")
    assert codes == [grpc.StatusCode.INTERNAL if amount == "66.66" else grpc.StatusCode.OK for amount in amounts]


def test_connections_lost_in_mid_statement_acknowledge_nothing_that_is_not_stored(
    payments: payments_pb2_grpc.PaymentServiceStub, stored: Database
) -> None:
    before = stored.count()
    stop = threading.Event()
    acknowledged: dict[str, int] = {}
    unknown: list[int] = []
    kills = 0

    def create(worker: int) -> None:
        number = worker
        while not stop.is_set():
            number += 1000
            request = pb.CreatePaymentRequest(data=json.dumps({"n": number}), payment="1")
            try:
                acknowledged[payments.CreatePayment(request, timeout=10).id] = number
            except grpc.RpcError as error:
                assert failed_with(error).code is grpc.StatusCode.UNAVAILABLE
                unknown.append(number)

    with ThreadPoolExecutor(32) as pool:
        workers = [pool.submit(create, worker) for worker in range(32)]
        end = time.monotonic() + 4
        while time.monotonic() < end:
            kills += len(stored.rows(_TERMINATE))
            time.sleep(0.01)
        stop.set()
        for worker in workers:
            worker.result()

    rows = dict(stored.rows("SELECT id::text, (data->>'n')::int FROM payments WHERE data ? 'n'"))
    assert kills > 20
    assert len(acknowledged) > 100
    assert acknowledged.items() <= rows.items()
    # What failed may have been written or not, but once at most, and nothing else is there.
    others = sorted(number for id, number in rows.items() if id not in acknowledged)
    assert len(others) == len(set(others))
    assert set(others) <= set(unknown)
    assert stored.count() == before + len(rows)


def test_each_call_of_a_held_up_group_ends_at_its_own_deadline(
    payments: payments_pb2_grpc.PaymentServiceStub, stored: Database, locked: psycopg2.extensions.connection
) -> None:
    begin = time.monotonic()
    request = pb.CreatePaymentRequest(data='{"held": true}', payment="1")
    first = payments.CreatePayment.future(request, timeout=8)
    time.sleep(0.3)  # it holds the statement, and the others gather behind it
    hasty = [payments.CreatePayment.future(request, timeout=0.5) for _ in range(20)]
    patient = [payments.CreatePayment.future(request, timeout=8) for _ in range(20)]
    assert {call.code() for call in hasty} == {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert time.monotonic() - begin < 2
    assert not any(call.done() for call in patient)
    locked.rollback()
    ids = {call.result(timeout=8).id for call in [first, *patient]}
    assert len(ids) == 21
    ((count,),) = stored.rows("SELECT count(*) FROM payments WHERE data ? 'held'")
    assert count == 21, "a create whose deadline passed while it waited is not written"
