"""POST /create and GET /get/{id}: what a stored payment looks like from outside."""

import re
import uuid
from datetime import UTC, datetime

import pytest

from tests.database import Database
from tests.rest import Rest, assert_marks, assert_problem, document, exact, strong_etag

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
FIELDS = {"id", "status", "data", "payment", "create_time", "update_time", "etag"}


def test_a_created_payment_is_answered_whole(rest: Rest) -> None:
    answer = rest.post("/create", body=document('{"order":7}', "1234.50"))
    assert answer.status_code == 200
    assert_marks(answer)
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    payment = exact(answer)
    assert set(payment) == FIELDS
    assert payment["status"] == "inserted"
    assert payment["data"] == {"order": 7}
    assert strong_etag(answer).strip('"') == payment["etag"].strip('"')
    assert TIMESTAMP.fullmatch(payment["create_time"])
    assert TIMESTAMP.fullmatch(payment["update_time"])


def test_the_time_of_creation_is_now(rest: Rest) -> None:
    created = datetime.fromisoformat(rest.create()["create_time"])
    assert abs((datetime.now(UTC) - created).total_seconds()) < 60


def test_ids_are_uuids_of_version_7_in_the_order_of_creation(rest: Rest) -> None:
    ids = [rest.create()["id"] for _ in range(50)]
    assert all(uuid.UUID(id).version == 7 and uuid.UUID(id).variant == uuid.RFC_4122 for id in ids)
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_get_answers_what_create_answered(rest: Rest) -> None:
    created = rest.post("/create", body=document('{"a":[1,2.50,"é"]}', "0.07"))
    got = rest.get(f"/get/{created.json()['id']}")
    assert got.status_code == 200
    assert exact(got) == exact(created)
    assert got.headers["ETag"] == created.headers["ETag"]
    assert got.headers["Cache-Control"] == "private, no-cache"


def test_a_row_is_in_the_table_with_the_columns_of_the_api(rest: Rest, stored: Database) -> None:
    id = rest.create('{"a":1}', "12.30", status="consumed")["id"]
    assert stored.rows("SELECT id::text, data->>'a', payment::text FROM payments WHERE id = %s", id) == [(id, "1", "12.30")]
    assert "status" in [name for (name,) in stored.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'payments'")]


@pytest.mark.parametrize("status", ["inserted", "consumed"])
def test_a_payment_may_be_created_with_either_status(rest: Rest, status: str) -> None:
    assert rest.create(status=status)["status"] == status


def test_a_null_is_a_field_not_given(rest: Rest) -> None:
    answer = rest.post("/create", body='{"data":{},"payment":1,"status":null,"request_id":null}')
    assert answer.status_code == 200
    assert answer.json()["status"] == "inserted"


def test_both_spellings_of_a_name_are_taken(rest: Rest) -> None:
    key = uuid.uuid4().hex
    ids = {rest.post("/create", value={"data": {}, "payment": 1, name: key}).json()["id"] for name in ("request_id", "requestId")}
    assert len(ids) == 1


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_json_is_taken_under_its_names(rest: Rest, content_type: str) -> None:
    assert rest.post("/create", body=document(), headers={"Content-Type": content_type}).status_code == 200


def test_an_id_is_found_in_upper_case_too(rest: Rest) -> None:
    id = rest.create()["id"]
    assert rest.get(f"/get/{id.upper()}").json()["id"] == id


@pytest.mark.parametrize(
    "id",
    [str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1)), "0c6f1f9e-52f9-4ab4-9a0d-2f3a1f9d7f55", "6f6a3e52-e85e-11f1-a6ab-0242ac120002"],
)
def test_a_uuid_that_is_not_there_is_not_found(rest: Rest, id: str) -> None:
    assert_problem(rest.get(f"/get/{id}"), 404, "NOT_FOUND", reason="PAYMENT_NOT_FOUND")
    assert_problem(rest.put(f"/update/{id}", value={"status": "consumed"}), 404, "NOT_FOUND", reason="PAYMENT_NOT_FOUND")
    assert_problem(rest.delete(f"/delete/{id}"), 404, "NOT_FOUND", reason="PAYMENT_NOT_FOUND")
