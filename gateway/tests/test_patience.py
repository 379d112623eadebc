"""Clients that take their time: each is let go after its limit, told where it can be, and others do not notice."""

import contextlib
import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from gateway.tests.gateway_process import Gateway

RECEIVE, SEND, CONNECTIONS = 1.0, 1.0, 20
LATE = 8.0  # seconds that a busy machine may be late, and far below the limits' defaults
HEAD = b"POST /create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    limits = {"--receive-timeout": RECEIVE, "--send-timeout": SEND, "--max-connections": CONNECTIONS}
    with Gateway(*(str(each) for pair in limits.items() for each in pair)) as started:
        yield started


def connect(gateway: Gateway) -> socket.socket:
    host, port = gateway.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def received(connection: socket.socket) -> bytes:
    """All until the end, which is bounded by the socket's timeout."""
    found = b""
    while data := connection.recv(65536):
        found += data
    return found


@pytest.mark.parametrize("begin", [HEAD[:30], HEAD, HEAD + b"\r\n{", b"\r\n"], ids=["line", "head", "body", "empty line"])
def test_a_request_that_does_not_come_whole_is_let_go(gateway: Gateway, begin: bytes) -> None:
    with connect(gateway) as connection:
        connection.sendall(begin)
        started = time.monotonic()
        answer = received(connection)
        took = time.monotonic() - started
    assert RECEIVE * 0.8 < took < RECEIVE + LATE
    if begin.strip():
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"connection: close" in head and b"x-request-id: " in head and b"x-content-type-options: nosniff" in head
        assert b'"code":"DEADLINE_EXCEEDED","reason":"REQUEST_TIMEOUT"' in body


def test_a_byte_now_and_then_gains_no_time(gateway: Gateway) -> None:
    started = time.monotonic()
    with connect(gateway) as connection, pytest.raises(OSError):
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: ")
        while time.monotonic() < started + RECEIVE + LATE:
            connection.sendall(b"x")
            time.sleep(0.1)
    assert RECEIVE * 0.8 < time.monotonic() - started < RECEIVE + LATE


def test_requests_in_time_are_not_timed(gateway: Gateway) -> None:
    """The same connection is used for longer than any one request may take."""
    with connect(gateway) as connection:
        for _ in range(6):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
            time.sleep(0.3)
            connection.sendall(b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_endless_head_is_refused(gateway: Gateway) -> None:
    with connect(gateway) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        with pytest.raises(OSError):
            for number in range(100_000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))
    with connect(gateway) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (70 << 10))
        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_one_connection_too_many_is_told_and_closed(gateway: Gateway) -> None:
    held = []
    try:
        for _ in range(CONNECTIONS):
            held.append(connect(gateway))
        time.sleep(0.2)
        with connect(gateway) as refused:
            answer = received(refused)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"retry-after: 1" in answer.lower() and b"TOO_MANY_CONNECTIONS" in answer
    finally:
        for connection in held:
            connection.close()


def test_a_client_that_reads_nothing_is_reset() -> None:
    """It asks again and again on one connection, and does not take the answers. The limit on what it sends is far off."""
    with Gateway("--send-timeout", str(SEND), "--receive-timeout", "60") as patient, connect(patient) as connection:
        started = time.monotonic()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(SEND + LATE)
        with pytest.raises(ConnectionError):
            while time.monotonic() < started + SEND + LATE:
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)


def test_requests_that_wait_for_their_turn_are_not_all_read_into_memory() -> None:
    """One connection that asks without end, and whose answers nobody takes."""
    with Gateway("--send-timeout", "60", "--receive-timeout", "60") as patient, connect(patient) as connection:
        process = psutil.Process(patient.process.pid)
        before, begin = process.memory_info().rss, time.monotonic()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(3)
        with contextlib.suppress(TimeoutError):  # nothing more is read: what is to be seen
            while time.monotonic() < begin + LATE:
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        assert process.memory_info().rss - before < 60 << 20
