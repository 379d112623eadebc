"""Text that is SQL, in every place that takes text: it is a value like any other, or refused, and no table notices."""

import json
from urllib.parse import quote

import pytest

from payments.v1 import payments_pb2 as pb
from payments.v1 import payments_pb2_grpc
from tests.database import Database
from tests.rest import Rest, document

SQL = [
    "'; DROP TABLE payments; --",
    "x'); DELETE FROM payments; --",
    "' OR '1'='1",
    "\\'; TRUNCATE payments; --",
    "$$; UPDATE payments SET status = 2; $$",
    "%(id)s%s%%",
    "E'\\x27'::bytea",
    "',1),('",
    "{1,2}\"},{'",
    "/**/UNION/**/SELECT/**/key/**/FROM/**/page_token_key",
]


@pytest.mark.parametrize("text", SQL)
def test_sql_in_a_document_or_a_key_is_a_value(rest: Rest, stored: Database, text: str) -> None:
    before = stored.count()
    data = {text: [text, {"a": text}]}
    key = text.replace(" ", "+")
    answers = [rest.post("/create", body=document(json.dumps(data)), headers={"Idempotency-Key": key}) for _ in range(2)]
    assert [answer.json().get("data") for answer in answers] == [data, data]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    batch = rest.post("/create:batch", value={"requests": [{"data": data, "payment": 1}, {"data": {}, "payment": 1, "request_id": key}]})
    assert batch.json()["results"][0]["payment"]["data"] == data
    assert batch.json()["results"][1]["error"]["code"] == 6  # ALREADY_EXISTS: the key is taken, by other content
    assert stored.rows("SELECT DISTINCT status FROM payments") == [(1,)]
    assert stored.count() == before + 2


@pytest.fixture
def there(rest: Rest) -> str:
    id: str = rest.create()["id"]
    return id


@pytest.mark.usefixtures("there", "nothing_written")
@pytest.mark.parametrize("text", SQL)
def test_sql_anywhere_else_is_refused(rest: Rest, payments: payments_pb2_grpc.PaymentServiceStub, there: str, text: str) -> None:
    escaped = quote(text, safe="")
    statuses = {
        rest.get(f"/get/{escaped}").status_code,
        rest.delete(f"/delete/{escaped}").status_code,
        rest.put(f"/update/{escaped}", value={"status": "consumed"}).status_code,
        rest.put(f"/update/{there}", value={"status": text}).status_code,
        rest.put(f"/update/{there}", value={"status": "consumed", "etag": text}).status_code,
        rest.get(f"/list?status={escaped}").status_code,
        rest.get(f"/list?page_token={escaped}").status_code,
        rest.get(f"/list?page_size={escaped}").status_code,
        rest.post("/create", body=document(payment=json.dumps(text))).status_code,
    }
    assert statuses <= {400, 404, 409}
    for call, request in (
        (payments.GetPayment, pb.GetPaymentRequest(id=text)),
        (payments.DeletePayment, pb.DeletePaymentRequest(id=there, etag=text)),
        (payments.ListPayments, pb.ListPaymentsRequest(page_token=text)),
        (payments.CreatePayment, pb.CreatePaymentRequest(data="{}", payment=text)),
    ):
        assert call.future(request, timeout=10).code().name in ("INVALID_ARGUMENT", "ABORTED")  # type: ignore[attr-defined]
