"""The server is killed in the middle of creates with keys: what was acknowledged is there, once, and retries finish the rest."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import grpc
import pytest
import requests

from local.stack import Stack
from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.database import Database
from tests.rest import Rest

CLIENTS = 6


class Creates:
    """Clients that create payments with keys until told to stop; what was sent and what was acknowledged, by key."""

    keyed = True

    def __init__(self, running: Stack) -> None:
        self.running = running
        self.run = uuid.uuid4().hex[:16]
        self.sent: set[str] = set()
        self.acknowledged: dict[str, str] = {}
        self.stop = threading.Event()

    def create(self, rest: Rest, key: str) -> str | None:
        """The payment's id, or nothing where the call was not acknowledged."""
        body = f'{{"data":{{"key":"{key}"}},"payment":1.00}}'
        answer = rest.post("/create", body=body, headers={"Idempotency-Key": key} if self.keyed else None)
        assert answer.status_code in (200, 503, 504), answer.text
        return str(answer.json()["id"]) if answer.status_code == 200 else None

    def work(self, client: int) -> None:
        rest = Rest(self.running.rest_url)
        for number in count():
            if self.stop.is_set():
                return
            key = f"{self.run}-{client}-{number}"
            self.sent.add(key)
            if id := self.create(rest, key):
                self.acknowledged[key] = id


class KeylessCreates(Creates):
    """Clients that leave it to the gateway to make its retries harmless."""

    keyed = False


class GrpcCreates(Creates):
    """The same by gRPC."""

    def __init__(self, running: Stack) -> None:
        super().__init__(running)
        self.payments = PaymentServiceStub(grpc.insecure_channel(running.grpc_target))

    def create(self, rest: Rest, key: str) -> str | None:
        request = pb.CreatePaymentRequest(data=f'{{"key":"{key}"}}', payment="1", request_id=key)
        try:
            return str(self.payments.CreatePayment(request, timeout=10).id)
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), error
            return None


@pytest.mark.parametrize("kind", [Creates, GrpcCreates], ids=["REST", "gRPC"])
def test_every_acknowledged_payment_survives_a_killed_server_once(running: Stack, stored: Database, kind: type[Creates]) -> None:
    creates = kind(running)
    kill_amid(running, creates)
    assert_once(stored, creates.acknowledged)
    rest = Rest(running.rest_url)
    for key in sorted(creates.sent):
        id = retried(creates, rest, key)
        assert creates.acknowledged.setdefault(key, id) == id
    assert_once(stored, creates.acknowledged)
    assert stored.rows("SELECT count(*) FROM payments WHERE data->>'key' LIKE %s", creates.run + "%") == [(len(creates.sent),)]


def test_a_create_without_a_key_is_never_stored_twice(running: Stack, stored: Database) -> None:
    creates = KeylessCreates(running)
    kill_amid(running, creates)
    assert_once(stored, creates.acknowledged)
    rows = stored.rows("SELECT data->>'key' FROM payments WHERE data->>'key' LIKE %s", creates.run + "%")
    assert len(rows) == len(set(rows)) <= len(creates.sent)


def kill_amid(running: Stack, creates: Creates) -> None:
    """Kills the server while clients create, and starts it again."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        workers = [pool.submit(creates.work, client) for client in range(CLIENTS)]
        try:
            time.sleep(1)
            running.server.kill()
            time.sleep(0.2)
        finally:
            creates.stop.set()
            running.server.restart()
        for worker in workers:
            worker.result(timeout=60)
    assert len(creates.acknowledged) > CLIENTS, "the server was killed before it had answered"


def assert_once(stored: Database, acknowledged: dict[str, str]) -> None:
    rows = stored.rows("SELECT data->>'key', id::text FROM payments WHERE data->>'key' = ANY(%s)", list(acknowledged))
    assert sorted(rows) == sorted(acknowledged.items())


def retried(creates: Creates, rest: Rest, key: str) -> str:
    """The id that a client gets which asks again until it is answered."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if id := creates.create(rest, key):
                return id
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{key} was never answered")
