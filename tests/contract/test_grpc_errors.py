"""Bad requests over gRPC: the right code with ErrorInfo and BadRequest, never INTERNAL or UNKNOWN, and nothing written."""

from typing import Any

import grpc
import pytest

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.rest import LEAKS
from tests.rpc import Failure, failure

pytestmark = pytest.mark.usefixtures("nothing_written")

SERVICE = "/payments.v1.PaymentService/"
UNKNOWN = "00000000-0000-7000-8000-000000000000"
DEEP = '{"a":' * 64 + "{}" + "}" * 64


def assert_invalid(failed: Failure, field: str, reason: str = "INVALID_FIELD") -> None:
    assert failed.code == grpc.StatusCode.INVALID_ARGUMENT, failed
    assert (failed.reason, failed.domain) == (reason, "payments.v1"), failed
    assert field in failed.fields, failed
    assert all(failed.descriptions)
    assert failed.message
    assert not LEAKS.search(failed.message + "".join(failed.descriptions)), failed


MONEY = ["", "100000", "100000.00", "-1", "-0.00", "0.001", "1.000", "1e3", "1E3", "NaN", "Infinity", "1.234,50", "1,5", " 1", "1 ", "+1"]
MONEY += [".5", "5.", "01", "00.50", "1_0", "0x1", "\uff11", "\u0663", '"1"', "null", "true", "{}", "1\n", "1.2.3", "9" * 10_000, "1\x00"]


@pytest.mark.parametrize("payment", MONEY)
def test_money_of_another_form_is_refused(payments: PaymentServiceStub, payment: str) -> None:
    assert_invalid(failure(payments.CreatePayment, pb.CreatePaymentRequest(data="{}", payment=payment)), "payment")


DATA = {
    "nothing": "",
    "malformed": "{",
    "a trailing comma": '{"a":1,}',
    "two documents": "{}{}",
    "NaN": '{"a":NaN}',
    "a leading zero": '{"a":01}',
    "a control character": '{"a":"\n"}',
    "a bad escape": r'{"a":"\x"}',
    "a NUL character": '{"a":"\x00"}',
    "an array": "[]",
    "a string": '"x"',
    "a number": "1",
    "null": "null",
    "an escaped NUL": r'{"a":"\u0000"}',
    "a lone surrogate": r'{"a":"\ud800"}',
    "a lone surrogate in a key": r'{"\udc00":1}',
    "a key twice": '{"a":1,"a":1}',
    "65 levels": DEEP,
    "twenty thousand levels": '{"a":' + "[" * 20_000 + "]" * 20_000 + "}",
    "65,537 bytes": '{"s":"' + "x" * 65_529 + '"}',
    "a number too long": '{"a":1e131071}',
    "1,001 digits": '{"a":' + "1" * 1001 + "}",
    "no-break space": "\u00a0{}",
    "a byte order mark": "\ufeff{}",
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA.keys())
def test_a_document_that_cannot_be_kept_is_refused(payments: PaymentServiceStub, data: str) -> None:
    assert_invalid(failure(payments.CreatePayment, pb.CreatePaymentRequest(data=data, payment="1")), "data")


@pytest.mark.parametrize("id", ["", "1", "abc", UNKNOWN[:-1], UNKNOWN + "0", "\x00", " ", UNKNOWN + "\n", "x" * 100_000])
def test_an_id_that_is_no_uuid_is_refused(payments: PaymentServiceStub, id: str) -> None:
    assert_invalid(failure(payments.GetPayment, pb.GetPaymentRequest(id=id)), "id")
    assert_invalid(failure(payments.UpdatePayment, pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED)), "id")
    assert_invalid(failure(payments.DeletePayment, pb.DeletePaymentRequest(id=id)), "id")


def test_an_unknown_id_is_not_found(payments: PaymentServiceStub) -> None:
    for call, request in (
        (payments.GetPayment, pb.GetPaymentRequest(id=UNKNOWN)),
        (payments.UpdatePayment, pb.UpdatePaymentRequest(id=UNKNOWN, status=pb.STATUS_CONSUMED)),
        (payments.DeletePayment, pb.DeletePaymentRequest(id=UNKNOWN)),
        (payments.DeletePayment, pb.DeletePaymentRequest(id=UNKNOWN, etag="x")),
    ):
        failed = failure(call, request)
        assert (failed.code, failed.reason, failed.domain) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND", "payments.v1")


@pytest.mark.parametrize("number", [99, -1, 2**31 - 1])
def test_an_unknown_status_is_refused(payments: PaymentServiceStub, number: Any) -> None:
    assert_invalid(failure(payments.CreatePayment, pb.CreatePaymentRequest(data="{}", payment="1", status=number)), "status")
    assert_invalid(failure(payments.UpdatePayment, pb.UpdatePaymentRequest(id=UNKNOWN, status=number)), "status")
    assert_invalid(failure(payments.ListPayments, pb.ListPaymentsRequest(status=number)), "status")


def test_an_update_without_a_status_is_refused(payments: PaymentServiceStub) -> None:
    assert_invalid(failure(payments.UpdatePayment, pb.UpdatePaymentRequest(id=UNKNOWN)), "status")


@pytest.mark.parametrize("size", [-1, -(2**31)])
def test_a_negative_page_size_is_refused(payments: PaymentServiceStub, size: int) -> None:
    assert_invalid(failure(payments.ListPayments, pb.ListPaymentsRequest(page_size=size)), "page_size")


@pytest.mark.parametrize("token", ["foo", "\x00", " ", "A" * 22, "é", UNKNOWN, "=" * 8, "A" * 100_000])
def test_a_foreign_page_token_is_refused(payments: PaymentServiceStub, token: str) -> None:
    failed = failure(payments.ListPayments, pb.ListPaymentsRequest(page_token=token))
    assert_invalid(failed, "page_token", "PAGE_TOKEN_INVALID")


@pytest.mark.parametrize("key", ["k" * 65, "two words", "clé", "\x00", "\n", "\x7f", "k" * 100_000])
def test_a_malformed_key_is_refused(payments: PaymentServiceStub, key: str) -> None:
    assert_invalid(failure(payments.CreatePayment, pb.CreatePaymentRequest(data="{}", payment="1", request_id=key)), "request_id")


def test_every_fault_is_named_at_once(payments: PaymentServiceStub) -> None:
    failed = failure(payments.CreatePayment, pb.CreatePaymentRequest(data="[]", payment="x", status=99, request_id="a b"))  # type: ignore[arg-type]
    assert set(failed.fields) == {"data", "payment", "status", "request_id"}


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_of_another_size_is_refused(payments: PaymentServiceStub, count: int) -> None:
    item = pb.CreatePaymentRequest(data="{}", payment="1")
    failed = failure(payments.BatchCreatePayments, pb.BatchCreatePaymentsRequest(requests=[item] * count))
    assert failed.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "requests" in failed.fields


def test_a_batch_of_more_than_a_mebibyte_is_refused(payments: PaymentServiceStub) -> None:
    item = pb.CreatePaymentRequest(data='{"s":"' + "x" * 60_000 + '"}', payment="1")
    failed = failure(payments.BatchCreatePayments, pb.BatchCreatePaymentsRequest(requests=[item] * 18))
    assert failed.code == grpc.StatusCode.INVALID_ARGUMENT
    assert failed.reason == "BATCH_TOO_LARGE"


def test_a_message_of_ten_megabytes_is_refused(payments: PaymentServiceStub) -> None:
    failed = failure(payments.CreatePayment, pb.CreatePaymentRequest(data='{"s":"' + "x" * 10_000_000 + '"}', payment="1"))
    assert failed.code == grpc.StatusCode.RESOURCE_EXHAUSTED  # before it is read; a document of that size would be INVALID_ARGUMENT


def test_more_than_16_kb_of_metadata_are_refused(payments: PaymentServiceStub) -> None:
    request = pb.GetPaymentRequest(id=UNKNOWN)
    for size, code in ((10_000, grpc.StatusCode.NOT_FOUND), (40_000, grpc.StatusCode.RESOURCE_EXHAUSTED)):
        call = payments.GetPayment.future(request, metadata=(("x", "a" * size),), timeout=10)
        assert call.code() == code


METHODS = ["CreatePayment", "GetPayment", "ListPayments", "UpdatePayment", "DeletePayment", "BatchCreatePayments"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "sent",
    [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe\x1a\x02\xff\xfe", b"\x08", b"\x0b"],
    ids=["noise", "cut", "no UTF-8", "tag", "group"],
)
def test_a_message_that_cannot_be_decoded_is_an_invalid_argument(channel: grpc.Channel, method: str, sent: bytes) -> None:
    call = channel.unary_unary(SERVICE + method, request_serializer=bytes, response_deserializer=bytes)
    failed = failure(call, sent)
    assert failed.code == grpc.StatusCode.INVALID_ARGUMENT, failed
    assert (failed.reason, failed.domain) in {("MALFORMED_MESSAGE", "payments.v1"), ("INVALID_FIELD", "payments.v1")}, failed
    assert not LEAKS.search(failed.message), failed


def test_unknown_fields_are_ignored_as_protobuf_has_it(channel: grpc.Channel) -> None:
    """A newer client may send what this server does not know; the call fails here for its id alone."""
    call = channel.unary_unary(SERVICE + "GetPayment", request_serializer=bytes, response_deserializer=bytes)
    failed = failure(call, pb.GetPaymentRequest(id=UNKNOWN).SerializeToString() + b"\xfa\x01\x01x")
    assert failed.code == grpc.StatusCode.NOT_FOUND


def test_an_unknown_method_is_unimplemented(channel: grpc.Channel) -> None:
    call = channel.unary_unary(SERVICE + "Nothing", request_serializer=bytes, response_deserializer=bytes)
    assert failure(call, b"").code == grpc.StatusCode.UNIMPLEMENTED
