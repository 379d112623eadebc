"""Conditional updates, deletes and reads: If-Match and If-None-Match as RFC 9110 has them, etag as AIP-154."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests

from tests.database import Database
from tests.rest import Rest, assert_marks, assert_problem, exact, raw_exchange, strong_etag

CONSUME = {"status": "consumed"}


class Made:
    """A fresh payment, its current tag and the tag of a version it no longer has."""

    def __init__(self, rest: Rest) -> None:
        self.id = rest.create()["id"]
        self.old = strong_etag(rest.get(f"/get/{self.id}"))
        self.etag = strong_etag(rest.put(f"/update/{self.id}", value={"status": "consumed"}))

    def put(self, rest: Rest, condition: str | None = None, **fields: str) -> requests.Response:
        headers = None if condition is None else {"If-Match": condition}
        return rest.put(f"/update/{self.id}", value={"status": "inserted", **fields}, headers=headers)

    def delete(self, rest: Rest, condition: str | None = None, query: str = "") -> requests.Response:
        return rest.delete(f"/delete/{self.id}{query}", headers=None if condition is None else {"If-Match": condition})

    def change(self, rest: Rest, method: str, condition: str) -> requests.Response:
        return self.put(rest, condition) if method == "PUT" else self.delete(rest, condition)


@pytest.fixture
def made(rest: Rest) -> Made:
    return Made(rest)


def test_an_update_sets_the_status_and_makes_a_new_etag(rest: Rest) -> None:
    created = rest.create('{"a":1}', "5.00")
    answer = rest.put(f"/update/{created['id']}", value=CONSUME)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    updated = exact(answer)
    assert strong_etag(answer).strip('"') == updated["etag"].strip('"') != created["etag"].strip('"')
    assert updated["update_time"] > created["update_time"]
    assert updated == {**created, "status": "consumed", "etag": updated["etag"], "update_time": updated["update_time"]}
    assert exact(rest.get(f"/get/{created['id']}")) == updated


def test_a_status_that_comes_back_has_an_etag_of_its_own(rest: Rest) -> None:
    id = rest.create()["id"]
    tags = [strong_etag(rest.get(f"/get/{id}"))]
    tags += [strong_etag(rest.put(f"/update/{id}", value={"status": status})) for status in ("consumed", "inserted", "consumed")]
    assert len(set(tags)) == 4


def test_a_delete_answers_with_the_payment_it_deleted(rest: Rest, stored: Database) -> None:
    created = rest.create('{"a":1}', "5.00")
    before = stored.count()
    answer = rest.delete(f"/delete/{created['id']}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert exact(answer) == created
    assert strong_etag(answer).strip('"') == created["etag"].strip('"')
    assert stored.count() == before - 1
    assert_problem(rest.get(f"/get/{created['id']}"), 404, "NOT_FOUND")
    assert_problem(rest.delete(f"/delete/{created['id']}"), 404, "NOT_FOUND", reason="PAYMENT_NOT_FOUND")


MATCHING = ["{etag}", "*", '"other", {etag}', '{etag},"other"', "W/{etag}, {etag}", '"a,b", {etag}', "{etag} ", "{etag},", ",, {etag}"]
FAILING = ["{old}", '"other"', '"x","y"', "W/{etag}", 'W/{etag}, "other"', '""', '"*"', '"a\\"']
MALFORMED = ["unquoted", '"open', 'open"', '"a" "b"', "w/{etag}", "W/ {etag}", "*, {etag}", "{etag}, *", "**", "", '"a b"']


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("condition", MATCHING)
def test_a_condition_that_holds_lets_the_change_pass(rest: Rest, made: Made, method: str, condition: str) -> None:
    assert made.change(rest, method, condition.format(etag=made.etag, old=made.old)).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("condition", FAILING)
def test_a_condition_that_fails_is_412_and_changes_nothing(rest: Rest, stored: Database, made: Made, method: str, condition: str) -> None:
    before = stored.fingerprint()
    answer = made.change(rest, method, condition.format(etag=made.etag, old=made.old))
    assert_problem(answer, 412, "ABORTED", reason="ETAG_MISMATCH")
    assert stored.fingerprint() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("condition", MALFORMED)
def test_a_condition_that_is_malformed_is_400_and_changes_nothing(
    rest: Rest, stored: Database, made: Made, method: str, condition: str
) -> None:
    before = stored.fingerprint()
    assert_problem(made.change(rest, method, condition.format(etag=made.etag)), 400, "INVALID_ARGUMENT")
    assert stored.fingerprint() == before


def test_header_lines_of_one_condition_are_one_list(rest: Rest, made: Made) -> None:
    body = b'{"status":"inserted"}'
    request = (
        f"PUT /update/{made.id} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f'If-Match: "other"\r\nIf-Match: {made.etag}\r\nConnection: close\r\n\r\n'
    ).encode() + body
    assert raw_exchange(rest.url, request)[0] == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("condition", ["*", '"other"'])
def test_a_condition_on_a_payment_that_is_not_there_is_not_found(rest: Rest, made: Made, method: str, condition: str) -> None:
    made.delete(rest)
    assert_problem(made.change(rest, method, condition), 404, "NOT_FOUND", reason="PAYMENT_NOT_FOUND")


def test_the_etag_may_stand_in_the_body_or_the_query(rest: Rest, made: Made) -> None:
    etag = exact(rest.get(f"/get/{made.id}"))["etag"]
    updated = made.put(rest, etag=etag)
    assert updated.status_code == 200, updated.text
    assert made.put(rest, strong_etag(updated), etag=exact(updated)["etag"]).status_code == 200, "both given and equal"
    current = exact(rest.get(f"/get/{made.id}"))["etag"]
    deleted = rest.request("DELETE", f"/delete/{made.id}", params={"etag": current})
    assert deleted.status_code == 200, deleted.text


def test_another_etag_without_if_match_is_409(rest: Rest, stored: Database, made: Made) -> None:
    before = stored.fingerprint()
    assert_problem(made.put(rest, etag=made.old.strip('"')), 409, "ABORTED", reason="ETAG_MISMATCH")
    assert_problem(made.put(rest, etag="other"), 409, "ABORTED", reason="ETAG_MISMATCH")
    assert_problem(made.delete(rest, query="?etag=other"), 409, "ABORTED", reason="ETAG_MISMATCH")
    assert stored.fingerprint() == before


def test_a_header_and_a_field_that_differ_are_refused(rest: Rest, stored: Database, made: Made) -> None:
    before = stored.fingerprint()
    assert_problem(made.put(rest, made.etag, etag="other"), 400, "INVALID_ARGUMENT", field="etag")
    assert_problem(made.delete(rest, made.etag, query="?etag=other"), 400, "INVALID_ARGUMENT", field="etag")
    assert stored.fingerprint() == before


def test_a_list_in_the_header_does_not_widen_the_field(rest: Rest, stored: Database, made: Made) -> None:
    """The field is one of the tags in If-Match, yet not the current one: both conditions must hold."""
    before = stored.fingerprint()
    condition = f"{made.old}, {made.etag}"
    assert_problem(made.put(rest, condition, etag=made.old.strip('"')), 412, "ABORTED", reason="ETAG_MISMATCH")
    assert_problem(made.delete(rest, condition, query=f"?etag={made.old.strip(chr(34))}"), 412, "ABORTED", reason="ETAG_MISMATCH")
    assert stored.fingerprint() == before


def test_two_consumers_cannot_both_consume_a_payment(rest: Rest) -> None:
    parties = 6
    for _ in range(5):
        id = rest.create()["id"]
        etag, barrier = strong_etag(rest.get(f"/get/{id}")), Barrier(parties)

        def consume(id: str = id, etag: str = etag, barrier: Barrier = barrier) -> requests.Response:
            own = rest.another()
            barrier.wait()
            return own.put(f"/update/{id}", value=CONSUME, headers={"If-Match": etag})

        with ThreadPoolExecutor(parties) as pool:
            answers = [future.result() for future in [pool.submit(consume) for _ in range(parties)]]
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] + [412] * (parties - 1), [answer.text for answer in answers]


BAD_UPDATES = [
    ("{}", "status"),
    ('{"status":null}', "status"),
    ('{"status":"foo"}', "status"),
    ('{"status":""}', "status"),
    ('{"status":"CONSUMED"}', "status"),
    ('{"status":"STATUS_CONSUMED"}', "status"),
    ('{"status":"unspecified"}', "status"),
    ('{"status":2}', "status"),
    ('{"status":["consumed"]}', "status"),
    ('{"status":"consumed","etag":1}', "etag"),
    ('{"status":"consumed","payment":1}', "payment"),
    ('{"status":"consumed","id":"00000000-0000-7000-8000-000000000000"}', "id"),
]


@pytest.mark.parametrize(("body", "field"), BAD_UPDATES)
def test_an_update_that_makes_no_sense_is_refused(rest: Rest, stored: Database, made: Made, body: str, field: str) -> None:
    before = stored.fingerprint()
    assert_problem(rest.put(f"/update/{made.id}", body=body), 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field=field)
    assert stored.fingerprint() == before


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("condition", ["{etag}", "W/{etag}", "*", '"other", {etag}', '"other", W/{etag}'])
def test_a_client_that_has_the_current_version_is_told_so(rest: Rest, made: Made, method: str, condition: str) -> None:
    answer = rest.request(method, f"/get/{made.id}", headers={"If-None-Match": condition.format(etag=made.etag)})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["ETag"] == made.etag
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert_marks(answer)


@pytest.mark.parametrize("condition", ["{old}", '"other"', 'W/"other"', '"x", "y"'])
def test_a_client_that_has_another_version_gets_the_current_one(rest: Rest, made: Made, condition: str) -> None:
    answer = rest.get(f"/get/{made.id}", headers={"If-None-Match": condition.format(old=made.old)})
    assert answer.status_code == 200
    assert answer.json()["id"] == made.id


def test_a_version_of_nothing_is_not_found(rest: Rest, made: Made) -> None:
    made.delete(rest)
    for condition in ("*", made.etag):
        assert_problem(rest.get(f"/get/{made.id}", headers={"If-None-Match": condition}), 404, "NOT_FOUND")
