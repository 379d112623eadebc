"""POST /create:batch: up to 1000 payments, one result each in order, each on its own."""

import uuid

import pytest

from tests.database import Database
from tests.rest import Rest, assert_marks, assert_problem, document, exact, exact_json


def batch(*items: str) -> str:
    return '{"requests":[' + ",".join(items) + "]}"


def item(key: str, payment: str = "1.00") -> str:
    return f'{{"data":{{}},"payment":{payment},"request_id":"{key}"}}'


def test_each_payment_has_its_result_in_order(rest: Rest, stored: Database) -> None:
    before = stored.count()
    answer = rest.post("/create:batch", body=batch(*(document(f'{{"n":{n}}}', f"{n}.10") for n in range(20))))
    assert answer.status_code == 200
    assert_marks(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    results = exact(answer)["results"]
    assert [set(result) for result in results] == [{"payment"}] * 20
    assert [result["payment"]["data"]["n"] for result in results] == list(range(20))
    ids = [result["payment"]["id"] for result in results]
    assert ids == sorted(set(ids))
    assert stored.count() == before + 20
    assert exact(rest.get(f"/get/{ids[3]}")) == results[3]["payment"]


def test_one_bad_payment_does_not_fail_its_neighbours(rest: Rest, stored: Database) -> None:
    before = stored.count()
    bad = [
        document(payment="-1"),
        document(payment="100000"),
        document('{"a":1e1000}'),
        document(r'{"a":"\u0000"}'),
        document('{"a":1,"a":1}'),
    ]
    answer = rest.post("/create:batch", body=batch(document('{"n":0}'), *bad, item("two words"), document('{"n":1}', status="consumed")))
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert ["payment" in result for result in results] == [True, False, False, False, False, False, False, True]
    for result, field in zip(results[1:-1], ["payment", "payment", "data", "data", "data", "request_id"], strict=True):
        assert set(result) == {"error"}
        assert result["error"]["code"] == 3
        assert result["error"]["message"]
        violations = [violation for detail in result["error"]["details"] for violation in detail.get("field_violations", [])]
        assert [violation["field"].split(".")[-1] for violation in violations] == [field], result
    assert results[-1]["payment"]["status"] == "consumed"
    assert stored.count() == before + 2


def test_a_large_document_among_small_ones_fails_alone(rest: Rest) -> None:
    large = document('{"s":"' + "x" * 65_536 + '"}')
    results = rest.post("/create:batch", body=batch(document(), large, document())).json()["results"]
    assert ["payment" in result for result in results] == [True, False, True]


def test_1000_payments_are_accepted(rest: Rest) -> None:
    results = rest.post("/create:batch", body=batch(*[document()] * 1000)).json()["results"]
    assert len({result["payment"]["id"] for result in results}) == 1000


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("count", [0, 1001])
def test_another_number_of_payments_is_refused(rest: Rest, count: int) -> None:
    assert_problem(rest.post("/create:batch", body=batch(*[document()] * count)), 400, "INVALID_ARGUMENT", field="requests")


@pytest.mark.usefixtures("nothing_written")
def test_more_than_a_mebibyte_is_refused(rest: Rest) -> None:
    large = document('{"s":"' + "x" * 60_000 + '"}')
    assert_problem(rest.post("/create:batch", body=batch(*[large] * 18)), 413)


def test_just_under_a_mebibyte_is_accepted(rest: Rest) -> None:
    large = document('{"s":"' + "x" * 60_000 + '"}')
    body = batch(*[large] * 17)
    answer = rest.post("/create:batch", body=body + " " * ((1 << 20) - len(body)))
    assert answer.status_code == 200, answer.text[:300]
    assert len(answer.json()["results"]) == 17


STRUCTURE = [
    ("{}", "requests"),
    ('{"requests":null}', "requests"),
    ('{"requests":{}}', "requests"),
    ('{"requests":[1]}', "requests[0]"),
    ('{"requests":[' + document() + ",null]}", "requests[1]"),
    ('{"requests":[' + document() + ',{"data":{},"payment":1,"foo":2}]}', "requests[1].foo"),
    ('{"requests":[' + document() + ',{"data":{},"payment":"1"}]}', "requests[1].payment"),
    ('{"requests":[' + document() + ',{"data":[],"payment":1}]}', "requests[1].data"),
    ('{"requests":[' + document(status="foo") + "]}", "requests[0].status"),
    ('{"requests":[' + document() + '],"foo":1}', "foo"),
]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(("body", "field"), STRUCTURE)
def test_a_batch_of_another_form_is_refused_with_the_path(rest: Rest, body: str, field: str) -> None:
    assert_problem(rest.post("/create:batch", body=body), 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field=field)


@pytest.mark.usefixtures("nothing_written")
def test_a_key_for_a_whole_batch_is_refused(rest: Rest) -> None:
    answer = rest.post("/create:batch", body=batch(document()), headers={"Idempotency-Key": uuid.uuid4().hex})
    assert_problem(answer, 400, "INVALID_ARGUMENT")


def test_keys_of_items_make_a_repeated_batch_idempotent(rest: Rest, stored: Database) -> None:
    body = batch(*(item(uuid.uuid4().hex) for _ in range(5)))
    first, before = exact(rest.post("/create:batch", body=body)), stored.count()
    assert exact(rest.post("/create:batch", body=body)) == first
    assert stored.count() == before


def test_keys_mean_the_same_in_a_batch_and_alone(rest: Rest) -> None:
    key = uuid.uuid4().hex
    alone = rest.create(key=key)
    (result,) = exact(rest.post("/create:batch", body=batch(item(key))))["results"]
    assert result["payment"] == alone
    (other,) = rest.post("/create:batch", body=batch(item(key, "2"))).json()["results"]
    assert other["error"]["code"] == 6
    assert "IDEMPOTENCY_KEY_REUSED" in [detail.get("reason") for detail in other["error"]["details"]]


def test_a_key_twice_in_a_batch_is_one_payment(rest: Rest, stored: Database) -> None:
    key, before = uuid.uuid4().hex, stored.count()
    results = rest.post("/create:batch", body=batch(item(key), document(), item(key), item(key, "2"))).json()["results"]
    assert results[0]["payment"]["id"] == results[2]["payment"]["id"] != results[1]["payment"]["id"]
    assert results[3]["error"]["code"] == 6
    assert stored.count() == before + 2


def test_a_replayed_item_that_was_deleted_is_not_found(rest: Rest) -> None:
    key = uuid.uuid4().hex
    rest.delete(f"/delete/{rest.create(key=key)['id']}")
    (result,) = rest.post("/create:batch", body=batch(item(key))).json()["results"]
    assert result["error"]["code"] == 5


def test_money_and_documents_stay_exact_in_a_batch(rest: Rest) -> None:
    text = '{"n":[9007199254740993,1e400,0.10]}'
    (result,) = exact(rest.post("/create:batch", body=batch(document(text, "1234.5"))))["results"]
    assert result["payment"]["data"] == exact_json(text)
    assert str(result["payment"]["payment"]) == "1234.50"
