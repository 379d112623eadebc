"""Requests that travel together between gateway and server: each keeps what is its own."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.database import Database
from tests.rest import Rest

AT_ONCE = 48


def at_once(rest: Rest, bodies: list[tuple[str, dict[str, str]]]) -> list[requests.Response]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: Rest(rest.url).post("/create", body=each[0], headers=each[1]), bodies))


def test_each_of_many_at_once_gets_its_own_payment(rest: Rest, stored: Database) -> None:
    answers = at_once(
        rest, [(f'{{"data":{{"n":{number}}},"payment":{number}.25}}', {"X-Request-Id": f"r{number}"}) for number in range(400)]
    )
    for number, answer in enumerate(answers):
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] == {"n": number}
        assert f'"payment":{number}.25' in answer.text
        assert answer.headers["X-Request-Id"] == f"r{number}"
    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 400
    assert stored.count() >= 400


def test_a_bad_one_among_many_fails_alone(rest: Rest) -> None:
    bodies = [('{"data":{},"payment":1}' if number % 7 else '{"data":{},"payment":-1}', {}) for number in range(300)]
    for number, answer in enumerate(at_once(rest, bodies)):
        assert answer.status_code == (200 if number % 7 else 400), answer.text
        if not number % 7:
            assert answer.json()["errors"][0]["field"] == "payment"


def test_each_of_many_reads_at_once_gets_what_it_asked_for(rest: Rest) -> None:
    ids = [rest.create(data=f'{{"n":{number}}}')["id"] for number in range(20)]
    absent = "01890a5d-ac96-774b-bcce-b302099a8057"
    asked = [[*ids, ids[0], ids[0], absent, "no-uuid"][number % 24] for number in range(480)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda id: Rest(rest.url).get(f"/get/{id}"), asked))
    for id, answer in zip(asked, answers, strict=True):
        assert answer.status_code == {absent: 404, "no-uuid": 400}.get(id, 200), answer.text
        if answer.status_code == 200:
            assert (answer.json()["id"], answer.json()["data"]) == (id, {"n": ids.index(id)})


def test_keys_stay_each_requests_own(rest: Rest, stored: Database) -> None:
    before = stored.count()
    run = uuid.uuid4().hex
    bodies = [
        (f'{{"data":{{"key":{number % 20}}},"payment":1}}', {"Idempotency-Key": f"{run[:20]}-{number % 20}"}) for number in range(200)
    ]
    answers = at_once(rest, bodies)
    ids = [answer.json()["id"] for answer in answers]
    assert all(ids[number] == ids[number % 20] for number in range(200))
    assert stored.count() == before + 20


def test_updates_at_once_of_one_payment_are_all_made_and_one_conditional_wins(rest: Rest) -> None:
    id = rest.create()["id"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        plain = list(pool.map(lambda _: Rest(rest.url).put(f"/update/{id}", body='{"status":"consumed"}'), range(100)))
    assert {answer.status_code for answer in plain} == {200}
    assert sorted(int(answer.json()["etag"]) for answer in plain) == list(range(2, 102))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        conditional = list(
            pool.map(lambda _: Rest(rest.url).put(f"/update/{id}", body='{"status":"inserted"}', headers={"If-Match": '"101"'}), range(48))
        )
    assert sorted(answer.status_code for answer in conditional) == [200] + [412] * 47
