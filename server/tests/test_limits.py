"""Limits that an operator sets, on a server that runs with the lowest of each."""

import contextlib
import socket
from collections.abc import Iterator

import click
import grpc
import pytest

from payments.v1 import payments_pb2 as pb
from server.cli import serve
from server.tests.server_process import Server
from tests.rpc import failure

CONNECTIONS = 5
OPTIONS = {"page": 2, "page-bytes": 2000, "batch": 2, "batch-bytes": 1000, "depth": 2, "connections": CONNECTIONS, "metadata": 8192}


@pytest.fixture(scope="module")
def server(url: str) -> Iterator[Server]:
    with Server(url, *(text for name, value in OPTIONS.items() for text in (f"--max-{name}", str(value)))) as server:
        server.wait_until_serving()
        yield server


def payment(data: str = "{}") -> pb.CreatePaymentRequest:
    return pb.CreatePaymentRequest(data=data, payment="1")


def batch(*payments: pb.CreatePaymentRequest) -> pb.BatchCreatePaymentsRequest:
    return pb.BatchCreatePaymentsRequest(requests=payments)


def test_an_operator_may_promise_less(server: Server) -> None:
    api = server.payments
    assert failure(api.CreatePayment, payment('{"a":{"b":[]}}')).descriptions == ("must not be nested more than 2 levels deep",)
    assert failure(api.BatchCreatePayments, batch(*[payment()] * 3)).descriptions == ("must be 1 to 2 payments",)
    assert failure(api.BatchCreatePayments, batch(payment('{"a":"%s"}' % ("x" * 990)))).reason == "BATCH_TOO_LARGE"
    long = '{"a":{"b":"%s"}}' % ("x" * 1200)
    for data in ("{}", "{}", "{}", long, long):
        api.CreatePayment(payment(data), timeout=10)
    sizes, token = [], ""
    while token or not sizes:
        page = api.ListPayments(pb.ListPaymentsRequest(page_size=1000, page_token=token), timeout=10)
        sizes.append(len(page.payments))
        token = page.next_page_token
    assert sizes == [2, 2, 1]  # two payments; one and a long one; a long one that would be too much with the one before


def test_metadata_beyond_the_limit_are_refused(server: Server) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        server.payments.ListPayments(pb.ListPaymentsRequest(), metadata=(("x", "y" * 11_000),), timeout=10)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_one_connection_too_many_is_closed(server: Server) -> None:
    server.serving("")  # so that its own is one of them
    host, port = server.target.rsplit(":", 1)
    with contextlib.ExitStack() as opened:
        held = [opened.enter_context(socket.create_connection((host, int(port)), timeout=10)) for _ in range(CONNECTIONS - 1)]
        assert all(connection.recv(1) for connection in held)  # the server's settings
        refused = opened.enter_context(socket.create_connection((host, int(port)), timeout=10))
        with contextlib.suppress(ConnectionResetError):
            assert refused.recv(1) == b""
        assert server.serving("")


@pytest.mark.parametrize("option", ["page", "page-bytes", "batch", "batch-bytes", "depth"])
@pytest.mark.parametrize("value", ["0", "-1", "1048577", "many"])
def test_what_is_no_limit_or_more_than_the_api_promises_is_an_error(option: str, value: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        serve.make_context("serve", [f"--max-{option}={value}"])
    assert refused.value.exit_code == 2
    assert f"Invalid value for '--max-{option}'" in refused.value.format_message()
