"""Clients that send a byte a second, read nothing, or leave without a word: others are served, memory stays, and nothing of them is left."""

import contextlib
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from gateway.tests.gateway_process import Gateway
from local.stack import HOST, Stack
from payments.v1 import payments_pb2 as pb
from process.tests.running_process import RunningProcess
from server.tests.server_process import Server, create
from tests.hostile import http2
from tests.hostile.crowd import Crowd, affordable
from tests.rest import Rest

MANY = 10_000
WATCHED = 2.0  # seconds for which others are asked while the slow ones are there
SLOWEST = 6.0  # seconds that an answer may take then, on a machine with much other work; what waits for the slow ones would take 10
RECEIVE = 10.0  # seconds, as gRPC's handshake has them
UNREAD = 16  # MiB
CONNECTION = 20 << 10  # bytes that one may cost, whose request has begun
HELD = 8  # times the bytes that may wait unread: what makes and frees them takes some, too
CREATE = b"POST /create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" + b"{" * 100
LIST = b"GET /list HTTP/1.1\r\nHost: x\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
PAGE = "/payments.v1.PaymentService/ListPayments"


@pytest.fixture(scope="module")
def listed(running: Stack) -> None:
    """Twelve pages of documents, more than the kernel takes for a client."""
    Rest(running.rest_url).create_pages(12)


@pytest.fixture
def gateway(running: Stack) -> Iterator[Gateway]:
    options = {"--receive-timeout": RECEIVE, "--send-timeout": RECEIVE, "--max-unread": UNREAD << 20}
    with Gateway("--server", running.grpc_target, *(str(each) for pair in options.items() for each in pair)) as gateway:
        gateway.wait_until_serving()
        yield gateway
        assert gateway.stop()[0] == 0


@pytest.fixture
def server(running: Stack) -> Iterator[Server]:
    with Server(
        running.database_url, "--max-unread", str(UNREAD << 20), "--receive-timeout", str(RECEIVE), "--send-timeout", str(RECEIVE)
    ) as server:
        server.wait_until_serving()
        yield server
        assert server.stop()[0] == 0
        assert "Traceback" not in server.text


def connections(process: RunningProcess, port: int) -> int:
    """Those that clients have to a port of the process."""
    found = psutil.Process(process.process.pid).net_connections("tcp")
    return sum(each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED for each in found)


def resident(process: RunningProcess) -> int:
    return int(psutil.Process(process.process.pid).memory_info().rss)


def slowest(ask: Callable[[], object]) -> float:
    """Asks again and again; the longest time that an answer took, in seconds."""
    longest, end = 0.0, time.monotonic() + WATCHED
    while time.monotonic() < end:
        begin = time.monotonic()
        ask()
        longest = max(longest, time.monotonic() - begin)
        time.sleep(0.02)
    return longest


@pytest.mark.usefixtures("listed")
def test_clients_that_send_a_byte_a_second_or_read_nothing_do_not_stop_others(gateway: Gateway) -> None:
    """Ten thousand of the ones, a hundred of the others, with twelve pages of a megabyte each to come."""
    rest, before = Rest(f"http://{gateway.address}"), resident(gateway)
    slow, deaf = affordable(MANY), 100
    with (
        Crowd((HOST, gateway.port), deaf, LIST, len(LIST)) as not_reading,
        Crowd((HOST, gateway.port), slow, CREATE, begun=40) as sending,
    ):
        assert slowest(lambda: rest.create()) < SLOWEST
        assert rest.get("/status").text == "ok"
        assert resident(gateway) - before < slow * CONNECTION + HELD * (UNREAD << 20)
        gateway.wait_until(lambda: sending.gone() == slow and not_reading.gone() == deaf, RECEIVE * 4)
    gateway.wait_until(lambda: connections(gateway, gateway.port) <= 1)
    assert "Traceback" not in gateway.text


@pytest.mark.usefixtures("listed")
def test_clients_that_go_away_leave_nothing(gateway: Gateway) -> None:
    """In mid-head, in mid-body, before the answer, in mid-list, before any of fifty answers."""
    rest = Rest(f"http://{gateway.address}")
    for text in (CREATE[:60], CREATE[:-20], CREATE, LIST, LIVEZ * 50) * 3:
        with Crowd((HOST, gateway.port), 100, text, len(text)):
            pass
    assert slowest(lambda: rest.create()) < SLOWEST
    gateway.wait_until(lambda: connections(gateway, gateway.port) <= 1)
    gateway.wait_until(lambda: gateway.metrics()["payments_gateway_in_flight_requests"] == 0)
    assert "Traceback" not in gateway.text


SILENT = {"nothing": b"", "half a preface": http2.PREFACE[:10], "no settings": http2.PREFACE}
BEGUN = {
    "no call": http2.begin(),
    "a call without a message": http2.begin() + http2.headers(1, PAGE),
    "half a message": http2.begin() + http2.headers(1, PAGE) + http2.message(1, b"x" * 100)[:60],
}


def test_grpc_clients_that_send_little_or_read_nothing_do_not_stop_others(server: Server) -> None:
    """Connections without a call are let go, and calls cancelled that get no message. Five connections more ask for a hundred pages each,
    1.5 GB in the server's memory, and read none: all but a few are cancelled."""
    address = (HOST, int(server.target.rpartition(":")[2]))
    page = pb.ListPaymentsRequest(page_size=1000)
    asking = b"".join(http2.headers(n, PAGE) + http2.message(n, page.SerializeToString()) for n in range(1, 200, 2))
    before = resident(server)
    with contextlib.ExitStack() as entered:
        crowds = {name: entered.enter_context(Crowd(address, 300, text, len(text))) for name, text in (SILENT | BEGUN).items()}
        slow = entered.enter_context(Crowd(address, 300, http2.begin() * 2, begun=3))
        deaf = entered.enter_context(Crowd(address, 5, http2.begin(window=0) + asking, begun=1 << 20))
        assert slowest(lambda: create(server.payments)) < SLOWEST
        assert server.payments.ListPayments(page, timeout=10).payments
        assert server.serving("")
        assert resident(server) - before < 2100 * CONNECTION + HELD * (UNREAD << 20)
        server.wait_until(lambda: slow.gone() == 300 and all(crowds[name].gone() == 300 for name in SILENT), RECEIVE * 4)
        assert deaf.gone() == 0 and all(crowds[name].gone() == 0 for name in BEGUN)
    server.wait_until(lambda: connections(server, address[1]) <= 1)
    server.wait_until(lambda: server.metrics()["payments_server_in_flight_calls"] == 0)
    for _ in range(30):
        assert server.payments.ListPayments(page, timeout=10).payments
