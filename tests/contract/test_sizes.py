"""No answer is larger than what its reader takes: gRPC's default of 4 MiB everywhere but between gateway and server."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from gateway.channel import MAX_REPLY
from gateway.coalescing import LARGEST, OVERHEAD
from local.stack import Stack
from payments.v1 import coalescing_pb2, coalescing_pb2_grpc
from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.rest import Rest, document
from tests.rpc import failure

# As short as they can be sent and as long as they can be read: a space follows each comma.
LONGEST = '{"":[' + "1e999," * 65 + "1," * 200 + "1]}"
SPACED = '{"":[' + "1," * 32_760 + "1]}"


@pytest.mark.parametrize("data", [LONGEST, SPACED])
def test_a_page_of_the_longest_documents_is_readable_by_any_client(payments: PaymentServiceStub, data: str) -> None:
    for _ in range(20):
        payments.CreatePayment(pb.CreatePaymentRequest(data=data, payment="1"), timeout=10)
    page = payments.ListPayments(pb.ListPaymentsRequest(page_size=1000), timeout=10)
    assert page.payments and page.next_page_token


@pytest.mark.parametrize("data", [LONGEST, SPACED])
def test_a_batch_is_readable_by_any_client_or_refused_as_a_whole(payments: PaymentServiceStub, data: str) -> None:
    item = pb.CreatePaymentRequest(data=data, payment="1")
    answer = payments.BatchCreatePayments(pb.BatchCreatePaymentsRequest(requests=[item] * 15), timeout=10)
    assert all(result.HasField("payment") for result in answer.results)
    refused = failure(payments.BatchCreatePayments, pb.BatchCreatePaymentsRequest(requests=[item] * 17))
    assert (refused.code, refused.reason, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE", ("requests",))


def test_the_longest_answer_to_calls_that_travel_together_is_readable_by_the_gateway(running: Stack) -> None:
    call = coalescing_pb2.CreateCall(request=pb.CreatePaymentRequest(data=LONGEST, payment="1"))
    most = LARGEST // (call.ByteSize() + OVERHEAD)
    with grpc.insecure_channel(running.grpc_target, [("grpc.max_receive_message_length", MAX_REPLY)]) as wide:
        stub = coalescing_pb2_grpc.CoalescingServiceStub(wide)
        answer = stub.CreatePayments(coalescing_pb2.CreatePaymentsRequest(calls=[call] * most), timeout=30)
    assert all(result.HasField("payment") for result in answer.results)
    assert LARGEST // OVERHEAD * answer.ByteSize() / most < MAX_REPLY


def test_the_longest_documents_come_back_by_rest_when_many_ask_at_once(rest: Rest) -> None:
    def create(_: int) -> int:
        own = Rest(rest.url)
        return own.post("/create", body=document(LONGEST)).status_code

    with ThreadPoolExecutor(32) as threads:
        assert set(threads.map(create, range(128))) == {200}
