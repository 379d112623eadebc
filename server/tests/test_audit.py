"""Every write leaves one line of JSON, which holds nothing of the payment and which nobody can forge."""

import json
import signal
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from payments.v1 import coalescing_pb2, coalescing_pb2_grpc
from payments.v1 import payments_pb2 as pb
from payments.v1.metadata import PAYMENT_ID
from server.tests.server_process import Server

SECRET = "the-content-of-the-document"
DATA = f'{{"note":"{SECRET}"}}'
NOBODY = "00000000-0000-7000-8000-000000000000"
KEYS = ["time", "logger", "client", "request_id", "rpc", "payment_id", "outcome"]
FORGED = '"}\n{"logger":"audit","outcome":"forged"}'


@pytest.fixture(scope="module")
def server(url: str) -> Iterator[Server]:
    with Server(url) as started:
        started.wait_until_serving()
        started.line("database answers")
        yield started


@pytest.fixture
def audited(server: Server) -> Iterator[Any]:
    """Reads the lines since the test began, once there are so many: rpc, payment id, outcome, request id."""
    start = len(server.lines)

    def lines(count: int) -> list[tuple[str, str, str, str]]:
        server.wait_until(lambda: len(server.lines) - start >= count)
        read = [json.loads(line) for line in server.lines[start:]]
        assert len(read) == count and all(list(line) == KEYS and line["logger"] == "audit" for line in read)
        return [(line["rpc"], line["payment_id"], line["outcome"], line["request_id"]) for line in read]

    yield lines
    text = "".join(server.lines[start:])
    assert SECRET not in text and "77.77" not in text and "forged" not in text


def new() -> pb.CreatePaymentRequest:
    return pb.CreatePaymentRequest(data=DATA, payment="77.77")


def refused(call: Any, request: Any, *metadata: tuple[str, str]) -> None:
    with pytest.raises(grpc.RpcError):
        call(request, timeout=10, metadata=metadata)


def test_each_write_and_no_read_leaves_a_line(server: Server, audited: Any) -> None:
    metadata = (("x-request-id", "asked-1"),)
    id = server.payments.CreatePayment(new(), timeout=10, metadata=metadata).id
    server.payments.GetPayment(pb.GetPaymentRequest(id=id), timeout=10)
    server.payments.ListPayments(pb.ListPaymentsRequest(), timeout=10)
    server.payments.UpdatePayment(pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=10)
    server.payments.DeletePayment(pb.DeletePaymentRequest(id=id), timeout=10)
    refused(server.payments.DeletePayment, pb.DeletePaymentRequest(id=id))
    refused(server.payments.CreatePayment, pb.CreatePaymentRequest(data=DATA, payment="-77.77"))
    assert audited(5) == [
        ("CreatePayment", id, "OK", "asked-1"),
        ("UpdatePayment", id, "OK", ""),
        ("DeletePayment", id, "OK", ""),
        ("DeletePayment", id, "NOT_FOUND", ""),
        ("CreatePayment", "", "INVALID_ARGUMENT", ""),
    ]


def test_the_line_of_a_failed_call_names_the_payment_of_its_request_whatever_its_metadata_say(server: Server, audited: Any) -> None:
    other = (PAYMENT_ID, "00000000-0000-7000-8000-00000000000f")
    refused(server.payments.DeletePayment, pb.DeletePaymentRequest(id=NOBODY), other)
    refused(server.payments.UpdatePayment, pb.UpdatePaymentRequest(id=NOBODY, status=pb.STATUS_CONSUMED), other)
    assert audited(2) == [("DeletePayment", NOBODY, "NOT_FOUND", ""), ("UpdatePayment", NOBODY, "NOT_FOUND", "")]


def test_each_payment_of_a_batch_leaves_a_line(server: Server, audited: Any) -> None:
    request = pb.BatchCreatePaymentsRequest(requests=[new(), pb.CreatePaymentRequest(data="[]", payment="1"), new()])
    results = server.payments.BatchCreatePayments(request, timeout=10, metadata=(("x-request-id", "b"),)).results
    assert audited(3) == [
        ("BatchCreatePayments", results[0].payment.id, "OK", "b"),
        ("BatchCreatePayments", "", "INVALID_ARGUMENT", "b"),
        ("BatchCreatePayments", results[2].payment.id, "OK", "b"),
    ]


def test_each_call_that_travels_with_others_leaves_a_line_with_its_own_request_id(server: Server, audited: Any) -> None:
    stub = coalescing_pb2_grpc.CoalescingServiceStub(server.channel)
    context = [coalescing_pb2.CallContext(request_id=f"r-{number}") for number in range(3)]
    creates = [coalescing_pb2.CreateCall(request=new(), context=each) for each in context]
    ids = [result.payment.id for result in stub.CreatePayments(coalescing_pb2.CreatePaymentsRequest(calls=creates), timeout=10).results]
    update = pb.UpdatePaymentRequest(id=NOBODY, status=pb.STATUS_CONSUMED)
    calls = [coalescing_pb2.UpdateCall(request=update, context=context[0])]
    stub.UpdatePayments(coalescing_pb2.UpdatePaymentsRequest(calls=calls), timeout=10)
    assert audited(4) == [
        *(("CreatePayment", id, "OK", f"r-{number}") for number, id in enumerate(ids)),
        ("UpdatePayment", NOBODY, "NOT_FOUND", "r-0"),
    ]


def test_nothing_that_a_client_sends_makes_a_line_or_a_member_of_its_own(server: Server, audited: Any) -> None:
    stub = coalescing_pb2_grpc.CoalescingServiceStub(server.channel)
    context = coalescing_pb2.CallContext(request_id=FORGED, payment_id=FORGED, traceparent=FORGED)
    calls = [coalescing_pb2.CreateCall(request=pb.CreatePaymentRequest(data=DATA, payment=FORGED, request_id=FORGED), context=context)]
    stub.CreatePayments(coalescing_pb2.CreatePaymentsRequest(calls=calls), timeout=10)
    refused(server.payments.UpdatePayment, pb.UpdatePaymentRequest(id=FORGED, status=pb.STATUS_CONSUMED, etag=FORGED))
    refused(server.payments.DeletePayment, pb.DeletePaymentRequest(id=FORGED), ("x-request-id", '","outcome":"forged'))
    assert audited(3) == [(rpc, "", "INVALID_ARGUMENT", "") for rpc in ("CreatePayment", "UpdatePayment", "DeletePayment")]


def test_no_line_is_lost_when_the_server_stops(url: str) -> None:
    with Server(url) as server:
        server.wait_until_serving()
        calls = [server.payments.CreatePayment.future(new(), timeout=10) for _ in range(200)]
        ids = {call.result().id for call in calls}
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
        written = [json.loads(line) for line in server.lines if line.startswith("{")]
        assert {line["payment_id"] for line in written} == ids and len(written) == 200
        assert all(uuid.UUID(line["payment_id"]).version == 7 for line in written)
