"""SIGTERM in the middle of a streamed list and of batches: each is finished or truthfully failed, and the process ends with 0 in time."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import grpc
import pytest
import requests

from gateway.tests.gateway_process import Gateway
from local.stack import Stack
from payments.v1 import payments_pb2 as pb
from process.tests.running_process import RunningProcess
from server.tests.server_process import Server
from tests.database import Database
from tests.rest import Rest, document

GRACE = 30.0  # seconds, Kubernetes' default
PAGES = 40
MEBIBYTE = 1 << 20


@pytest.fixture
def server(running: Stack) -> Iterator[Server]:
    with Server(running.database_url) as server:
        server.wait_until_serving()
        yield server


@pytest.fixture
def gateway(server: Server) -> Iterator[Gateway]:
    with Gateway("--server", server.target) as gateway:
        gateway.wait_until_serving()
        yield gateway


@pytest.fixture(params=["server", "gateway"])
def stopped(request: pytest.FixtureRequest, server: Server, gateway: Gateway) -> RunningProcess:
    """The one that gets the signal."""
    return server if request.param == "server" else gateway


def test_a_list_is_whole_or_visibly_broken(running: Stack, gateway: Gateway, stopped: RunningProcess, stored: Database) -> None:
    """More than the kernel's buffers take, and read slowly enough to be on its way when the signal comes."""
    stored.clear()
    count = Rest(running.rest_url).create_pages(PAGES)
    answer = Rest(f"http://{gateway.address}").get("/list", stream=True)
    chunks = answer.iter_content(MEBIBYTE)
    received = next(chunks)
    whole = False
    with ThreadPoolExecutor() as pool:
        stopping = pool.submit(stopped.stop, seconds=GRACE)
        with contextlib.suppress(requests.exceptions.ChunkedEncodingError):
            for chunk in chunks:
                received += chunk
                wait([stopping], 0.05)
            whole = True
    assert stopping.result()[0] == 0
    assert whole == received.endswith(b"}]")
    if whole:
        assert len(json.loads(received)) == count
    stored.clear()


def test_no_acknowledged_batch_is_missing(server: Server, gateway: Gateway, stopped: RunningProcess, stored: Database) -> None:
    """Clients of both APIs send batches one after another, until their process is gone."""
    stored.clear()
    acknowledged: list[str] = []
    items = 100
    over = threading.Event()

    def by_rest() -> None:
        rest = Rest(f"http://{gateway.address}")
        body = f'{{"requests":[{",".join([document()] * items)}]}}'
        while not over.is_set():
            try:
                answer = rest.post("/create:batch", body=body)
            except (requests.exceptions.RequestException, http.client.HTTPException):
                rest = Rest(f"http://{gateway.address}")
                continue
            if answer.status_code == 200:
                acknowledged.extend(each["payment"]["id"] for each in answer.json()["results"] if "payment" in each)
            else:
                assert answer.status_code in (429, 503, 504), answer.text

    def by_grpc() -> None:
        batch = pb.BatchCreatePaymentsRequest(requests=[pb.CreatePaymentRequest(data="{}", payment="1")] * items)
        while not over.is_set():
            with contextlib.suppress(grpc.RpcError):
                answer = server.payments.BatchCreatePayments(batch, timeout=10)
                acknowledged.extend(each.payment.id for each in answer.results if each.HasField("payment"))

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(client) for client in (by_rest, by_rest, by_grpc, by_grpc)]
        try:
            stopped.wait_until(lambda: len(acknowledged) >= 10 * items)
            code, _ = stopped.stop(seconds=GRACE)
        finally:
            over.set()
    for client in clients:
        client.result()
    assert code == 0
    there = {id for (id,) in stored.rows("SELECT id::text FROM payments")}
    assert len(acknowledged) == len(set(acknowledged)) and set(acknowledged) <= there
    assert "Traceback" not in server.text + gateway.text
    stored.clear()
