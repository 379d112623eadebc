"""The six calls over gRPC as an internal service makes them."""

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import grpc
import pytest

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.database import Database
from tests.rest import Rest, exact, exact_json
from tests.rpc import failure


def create(payments: PaymentServiceStub, data: str = "{}", payment: str = "1.00", **fields: Any) -> pb.Payment:
    answer: pb.Payment = payments.CreatePayment(pb.CreatePaymentRequest(data=data, payment=payment, **fields), timeout=30)
    return answer


def test_a_created_payment_is_answered_whole(payments: PaymentServiceStub) -> None:
    payment = create(payments, '{"a":1}', "1234.5")
    assert uuid.UUID(payment.id).version == 7
    assert payment.status == pb.STATUS_INSERTED
    assert json.loads(payment.data) == {"a": 1}
    assert payment.payment == "1234.50"
    assert payment.create_time.seconds == payment.update_time.seconds > 1_700_000_000
    assert payment.etag
    assert payments.GetPayment(pb.GetPaymentRequest(id=payment.id)) == payment


def test_both_doors_open_on_the_same_payment(payments: PaymentServiceStub, rest: Rest) -> None:
    payment = create(payments, '{"n":[1e400,0.10,9007199254740993]}', "0.07")
    seen = exact(rest.get(f"/get/{payment.id}"))
    assert seen["data"] == exact_json(payment.data) == {"n": [Decimal("1e400"), Decimal("0.10"), 9007199254740993]}
    assert str(seen["payment"]) == payment.payment == "0.07"
    assert seen["etag"] == payment.etag
    assert seen["create_time"] == payment.create_time.ToJsonString()


@pytest.mark.parametrize(("sent", "shown"), [("0", "0.00"), ("0.1", "0.10"), ("7.00", "7.00"), ("99999.99", "99999.99")])
def test_money_has_two_decimals(payments: PaymentServiceStub, sent: str, shown: str) -> None:
    assert create(payments, payment=sent).payment == shown


def test_the_same_key_and_content_is_the_same_payment(payments: PaymentServiceStub, stored: Database) -> None:
    key, before = uuid.uuid4().hex, stored.count()
    first = create(payments, '{"a":1,"b":2}', "1", request_id=key)
    assert create(payments, '{"b":2.0,"a":1}', "1.00", request_id=key) == first
    assert stored.count() == before + 1


def test_a_reused_key_with_other_content_is_refused(payments: PaymentServiceStub, stored: Database) -> None:
    key = uuid.uuid4().hex
    create(payments, request_id=key)
    before = stored.fingerprint()
    failed = failure(payments.CreatePayment, pb.CreatePaymentRequest(data="{}", payment="2", request_id=key))
    assert (failed.code, failed.reason, failed.domain) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", "payments.v1")
    assert stored.fingerprint() == before


def test_a_replay_after_a_delete_is_not_found(payments: PaymentServiceStub) -> None:
    key = uuid.uuid4().hex
    payments.DeletePayment(pb.DeletePaymentRequest(id=create(payments, request_id=key).id))
    failed = failure(payments.CreatePayment, pb.CreatePaymentRequest(data="{}", payment="1", request_id=key))
    assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND")


def test_a_key_used_by_many_at_once_makes_one_payment(payments: PaymentServiceStub, stored: Database) -> None:
    for _ in range(10):
        key, before = uuid.uuid4().hex, stored.count()
        calls = [payments.CreatePayment.future(pb.CreatePaymentRequest(data="{}", payment="1", request_id=key)) for _ in range(12)]
        assert len({call.result(timeout=30).id for call in calls}) == 1
        assert stored.count() == before + 1


def test_an_update_with_the_current_etag_passes_and_with_an_old_one_fails(payments: PaymentServiceStub, stored: Database) -> None:
    payment = create(payments)
    updated = payments.UpdatePayment(pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_CONSUMED, etag=payment.etag))
    assert updated.status == pb.STATUS_CONSUMED
    assert updated.etag != payment.etag
    assert updated.update_time.ToNanoseconds() > payment.update_time.ToNanoseconds()
    assert updated.create_time == payment.create_time
    before = stored.fingerprint()
    for call, request in (
        (payments.UpdatePayment, pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_INSERTED, etag=payment.etag)),
        (payments.DeletePayment, pb.DeletePaymentRequest(id=payment.id, etag=payment.etag)),
        (payments.DeletePayment, pb.DeletePaymentRequest(id=payment.id, etag="nonsense")),
    ):
        failed = failure(call, request)
        assert (failed.code, failed.reason, failed.domain) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "payments.v1")
    assert stored.fingerprint() == before
    assert payments.DeletePayment(pb.DeletePaymentRequest(id=payment.id, etag=updated.etag)) == updated


def test_of_many_consumers_one_wins(payments: PaymentServiceStub) -> None:
    payment = create(payments)
    request = pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_CONSUMED, etag=payment.etag)

    def consume(_: int) -> bool:
        try:
            payments.UpdatePayment(request, timeout=30)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.ABORTED
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(consume, range(16))) == 1


def test_a_delete_returns_the_payment_once(payments: PaymentServiceStub) -> None:
    payment = create(payments)
    assert payments.DeletePayment(pb.DeletePaymentRequest(id=payment.id)) == payment
    failed = failure(payments.DeletePayment, pb.DeletePaymentRequest(id=payment.id))
    assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND")


def listed(payments: PaymentServiceStub, **fields: Any) -> list[list[str]]:
    """The ids of each page."""
    request, found = pb.ListPaymentsRequest(**fields), []
    while True:
        answer = payments.ListPayments(request, timeout=30)
        found.append([payment.id for payment in answer.payments])
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def test_pages_are_walked_oldest_first(payments: PaymentServiceStub, stored: Database) -> None:
    stored.clear()
    requests = [
        pb.CreatePaymentRequest(data="{}", payment="1", status=pb.STATUS_CONSUMED if n % 3 else pb.STATUS_INSERTED) for n in range(210)
    ]
    results = payments.BatchCreatePayments(pb.BatchCreatePaymentsRequest(requests=requests)).results
    ids = [result.payment.id for result in results]
    for size, sizes in ((0, [100, 100, 10]), (70, [70, 70, 70]), (5000, [210])):
        pages = listed(payments, page_size=size)
        assert [len(page) for page in pages] == sizes
        assert [id for page in pages for id in page] == ids == sorted(ids)
    consumed = listed(payments, page_size=50, status=pb.STATUS_CONSUMED)
    assert [id for page in consumed for id in page] == [id for n, id in enumerate(ids) if n % 3]


def test_a_token_is_bound_to_its_filter(payments: PaymentServiceStub) -> None:
    for _ in range(3):
        create(payments)
    token = payments.ListPayments(pb.ListPaymentsRequest(page_size=1)).next_page_token
    failed = failure(payments.ListPayments, pb.ListPaymentsRequest(page_size=1, page_token=token, status=pb.STATUS_INSERTED))
    assert (failed.code, failed.reason, failed.fields) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", ("page_token",))


def test_a_batch_answers_each_payment_on_its_own(payments: PaymentServiceStub, stored: Database) -> None:
    before = stored.count()
    good, bad = pb.CreatePaymentRequest(data="{}", payment="1"), pb.CreatePaymentRequest(data="[]", payment="1")
    unknown = pb.CreatePaymentRequest(data="{}", payment="1", status=99)  # type: ignore[arg-type]
    results = payments.BatchCreatePayments(pb.BatchCreatePaymentsRequest(requests=[good, bad, good, unknown])).results
    assert [result.WhichOneof("result") for result in results] == ["payment", "error", "payment", "error"]
    assert [result.error.code for result in results] == [0, 3, 0, 3]
    assert stored.count() == before + 2


def test_the_form_of_timestamps_is_utc(payments: PaymentServiceStub) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?Z", create(payments).create_time.ToJsonString())
