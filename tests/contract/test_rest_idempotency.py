"""Creates with a key: a retry never makes a second payment, and a key never stands for two."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests

from tests.database import Database
from tests.rest import Rest, assert_problem, document, exact


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def keyed(rest: Rest, key: str, body: str) -> requests.Response:
    return rest.post("/create", body=body.encode(), headers={"Idempotency-Key": key})


SAME = {
    "the same text": (document('{"a":1,"b":[1,2]}', "1.50"), document('{"a":1,"b":[1,2]}', "1.50")),
    "money written otherwise": (document("{}", "1"), document("{}", "1.00")),
    "the order of keys": (document('{"a":1,"b":{"c":2,"d":3}}'), document('{"b":{"d":3,"c":2},"a":1}')),
    "the order of fields": ('{"data":{},"payment":1}', '{"payment":1,"data":{}}'),
    "white space": (document('{"a":[1,2]}'), ' {\n "data" : { "a" : [ 1 , 2 ] } , "payment" : 1.0 }'),
    "1 and 1.0": (document('{"a":1}'), document('{"a":1.0}')),
    "100 and 1e2": (document('{"a":100}'), document('{"a":1e2}')),
    "0 and -0.0": (document('{"a":0}'), document('{"a":-0.0}')),
    "an escape and its character": (document(r'{"a":"\u00e9\/"}'), document('{"a":"é/"}')),
    "a status left out": (document(), document(status="inserted")),
}
OTHER = {
    "other money": (document("{}", "1"), document("{}", "1.01")),
    "another value": (document('{"a":1}'), document('{"a":2}')),
    "a number and a string": (document('{"a":1}'), document('{"a":"1"}')),
    "a number and a truth": (document('{"a":1}'), document('{"a":true}')),
    "zero and false": (document('{"a":0}'), document('{"a":false}')),
    "null and nothing": (document('{"a":null}'), document("{}")),
    "the order of an array": (document('{"a":[1,2]}'), document('{"a":[2,1]}')),
    "digits beyond a double": (document('{"a":9007199254740992}'), document('{"a":9007199254740993}')),
    "decimals beyond a double": (document('{"a":0.1}'), document('{"a":0.10000000000000000001}')),
    "larger than a double": (document('{"a":1e400}'), document('{"a":1e401}')),
    "another key": (document('{"a":1}'), document('{"A":1}')),
    "another status": (document(), document(status="consumed")),
    "a key that looks like structure": (document('{"a":{"b":1}}'), document('{"a.b":1}')),
}


@pytest.mark.parametrize(("first", "again"), SAME.values(), ids=SAME.keys())
def test_the_same_key_and_content_is_the_same_payment(rest: Rest, stored: Database, key: str, first: str, again: str) -> None:
    before = stored.count()
    created, replayed = keyed(rest, key, first), keyed(rest, key, again)
    assert (created.status_code, replayed.status_code) == (200, 200), replayed.text
    assert exact(replayed) == exact(created)
    assert replayed.headers["ETag"] == created.headers["ETag"]
    assert stored.count() == before + 1


@pytest.mark.parametrize(("first", "other"), OTHER.values(), ids=OTHER.keys())
def test_a_reused_key_with_other_content_is_refused(rest: Rest, stored: Database, key: str, first: str, other: str) -> None:
    created = keyed(rest, key, first)
    assert created.status_code == 200, created.text
    before = stored.fingerprint()
    assert_problem(keyed(rest, key, other), 409, "ALREADY_EXISTS", reason="IDEMPOTENCY_KEY_REUSED")
    assert stored.fingerprint() == before
    assert exact(keyed(rest, key, first)) == exact(created)


def test_a_replay_answers_with_the_payment_as_it_is_now(rest: Rest, key: str) -> None:
    id = keyed(rest, key, document()).json()["id"]
    updated = rest.put(f"/update/{id}", value={"status": "consumed"})
    replayed = keyed(rest, key, document())
    assert replayed.status_code == 200
    assert exact(replayed) == exact(updated)
    assert replayed.headers["ETag"] == updated.headers["ETag"]


def test_a_replay_after_a_delete_brings_nothing_back(rest: Rest, stored: Database, key: str) -> None:
    id = keyed(rest, key, document()).json()["id"]
    assert rest.delete(f"/delete/{id}").status_code == 200
    before = stored.count()
    assert_problem(keyed(rest, key, document()), 404, "NOT_FOUND", reason="PAYMENT_NOT_FOUND")
    assert_problem(keyed(rest, key, document(payment="2")), 409, "ALREADY_EXISTS", reason="IDEMPOTENCY_KEY_REUSED")
    assert stored.count() == before


def test_the_key_may_stand_in_the_body(rest: Rest, key: str) -> None:
    body = f'{{"data":{{}},"payment":1,"request_id":"{key}"}}'
    first = rest.post("/create", body=body)
    assert first.status_code == 200
    assert exact(rest.post("/create", body=body)) == exact(first)
    assert exact(keyed(rest, key, document())) == exact(first), "header and body name the same key"
    assert exact(keyed(rest, key, body)) == exact(first), "both given and equal"


@pytest.mark.usefixtures("nothing_written")
def test_a_header_and_a_body_that_differ_are_refused(rest: Rest, key: str) -> None:
    answer = rest.post("/create", body=f'{{"data":{{}},"payment":1,"request_id":"{key}"}}', headers={"Idempotency-Key": key[::-1] + "x"})
    assert_problem(answer, 400, "INVALID_ARGUMENT", field="request_id")


@pytest.mark.parametrize("shape", ["k", "k" * 64, '"quoted"', "a,b;c=d", "!#$%&'()*+-./:<=>?@[]^_`{|}~", "DROP\\TABLE"])
def test_visible_ascii_up_to_64_is_a_key(rest: Rest, shape: str) -> None:
    key = (shape + uuid.uuid4().hex)[:64] if len(shape) < 64 else uuid.uuid4().hex * 2
    assert len(key) <= 64
    first = keyed(rest, key, document())
    assert first.status_code == 200, first.text
    assert keyed(rest, key, document()).json()["id"] == first.json()["id"]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("bad", [b"k" * 65, b"k" * 5000, b"two words", b"tab\there", "clé".encode(), "clé".encode("latin-1"), b""])
def test_another_key_is_refused(rest: Rest, bad: bytes) -> None:
    answer = rest.post("/create", body=document(), headers={"Idempotency-Key": bad})
    assert_problem(answer, 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field="request_id")


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("bad", ["k" * 65, "two words", "clé", "\n", "\U0001f600"])
def test_another_key_is_refused_in_the_body(rest: Rest, bad: str) -> None:
    answer = rest.post("/create", value={"data": {}, "payment": 1, "request_id": bad})
    assert_problem(answer, 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field="request_id")


def test_keys_differ_by_case(rest: Rest, key: str) -> None:
    first, second = keyed(rest, "a" + key, document()), keyed(rest, "A" + key, document())
    assert first.json()["id"] != second.json()["id"]


def test_a_refused_create_does_not_use_up_its_key(rest: Rest, key: str) -> None:
    assert_problem(keyed(rest, key, document(payment="-1")), 400, "INVALID_ARGUMENT")
    assert keyed(rest, key, document()).status_code == 200


def test_creates_without_a_key_are_two_payments(rest: Rest) -> None:
    assert rest.create()["id"] != rest.create()["id"]


def test_a_key_used_by_many_at_once_makes_one_payment(rest: Rest, stored: Database) -> None:
    parties = 8
    for _ in range(10):
        key, barrier, before = uuid.uuid4().hex, Barrier(parties), stored.count()

        def create(key: str = key, barrier: Barrier = barrier) -> requests.Response:
            own = rest.another()
            barrier.wait()
            return keyed(own, key, document('{"a":1}'))

        with ThreadPoolExecutor(parties) as pool:
            answers = [future.result() for future in [pool.submit(create) for _ in range(parties)]]
        assert [answer.status_code for answer in answers] == [200] * parties, [answer.text for answer in answers]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert stored.count() == before + 1


def test_a_key_used_by_two_contents_at_once_stands_for_one(rest: Rest, stored: Database) -> None:
    for _ in range(10):
        key, barrier, before = uuid.uuid4().hex, Barrier(4), stored.count()

        def create(payment: str, key: str = key, barrier: Barrier = barrier) -> requests.Response:
            own = rest.another()
            barrier.wait()
            return keyed(own, key, document(payment=payment))

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(create, ["1", "2", "1", "2"]))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409], [answer.text for answer in answers]
        assert stored.count() == before + 1
