"""GET /list: pages with links, tokens that cannot be made up, and the whole list as one stream."""

import base64
import re
import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.database import Database
from tests.rest import Rest, assert_marks, assert_problem, document, exact


@pytest.fixture(scope="module")
def ids(rest: Rest, empty_tables: None) -> list[str]:
    """250 payments, every fifth consumed, oldest first."""
    items = ",".join(document(f'{{"n":{n}}}', f"{n}.25", status="inserted" if n % 5 else "consumed") for n in range(250))
    results = rest.post("/create:batch", body=f'{{"requests":[{items}]}}').json()["results"]
    return [result["payment"]["id"] for result in results]


def pages(rest: Rest, query: str) -> Iterator[requests.Response]:
    """The pages that following the links gives."""
    answer = rest.get(f"/list{query}")
    while True:
        assert answer.status_code == 200, answer.text
        yield answer
        if "Link" not in answer.headers:
            return
        assert re.fullmatch(r'<[^<>]+>; rel="next"', answer.headers["Link"])
        answer = rest.get(answer.links["next"]["url"])


def ids_of(answers: Any) -> list[str]:
    return [payment["id"] for answer in answers for payment in answer.json()]


def token_of(answer: requests.Response) -> str:
    return parse_qs(urlsplit(answer.links["next"]["url"]).query)["page_token"][0]


def test_the_whole_list_is_one_array_oldest_first(rest: Rest, ids: list[str]) -> None:
    answer = rest.get("/list")
    assert answer.status_code == 200
    assert_marks(answer)
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Link" not in answer.headers
    assert ids_of([answer]) == ids == sorted(ids)


def test_the_stream_equals_the_sum_of_the_pages(rest: Rest, ids: list[str]) -> None:
    streamed = exact(rest.get("/list"))
    paged = [payment for page in pages(rest, "?page_size=37") for payment in exact(page)]
    assert streamed == paged
    assert streamed[7] == exact(rest.get(f"/get/{ids[7]}"))


@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        ("?page_size=0", [100, 100, 50]),
        ("?page_size=100", [100, 100, 50]),
        ("?page_size=125", [125, 125]),
        ("?page_size=249", [249, 1]),
        ("?page_size=250", [250]),
        ("?page_size=1000", [250]),
        ("?page_size=1001", [250]),
        ("?page_size=2147483647", [250]),
        ("?page_size=100&status=consumed", [50]),
        ("?status=inserted&page_size=150", [150, 50]),
        ("?status=consumed&page_size=25", [25, 25]),
    ],
)
def test_pages_have_the_size_asked_for(rest: Rest, ids: list[str], query: str, sizes: list[int]) -> None:
    answers = list(pages(rest, query))
    assert [len(answer.json()) for answer in answers] == sizes
    found = ids_of(answers)
    assert found == sorted(set(found))
    for answer in answers:
        assert_marks(answer)
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_alone_asks_for_100(rest: Rest, ids: list[str]) -> None:
    token = token_of(rest.get("/list?page_size=10"))
    answer = rest.get("/list", params={"page_token": token})
    assert ids_of([answer]) == ids[10:110]
    assert "Link" in answer.headers


def test_a_page_is_never_larger_than_1000(rest: Rest, ids: list[str], stored: Database) -> None:
    added = rest.create_many(800)
    try:
        assert [len(answer.json()) for answer in pages(rest, "?page_size=5000")] == [1000, 50]
        assert ids_of([rest.get("/list")]) == ids + added
    finally:
        stored.execute("DELETE FROM payments WHERE id = ANY(%s::uuid[])", added)


def test_the_next_page_is_asked_for_with_the_same_size_and_filter(rest: Rest, ids: list[str]) -> None:
    link = parse_qs(urlsplit(rest.get("/list?page_size=20&status=consumed").links["next"]["url"]).query)
    assert link["page_size"] == ["20"]
    assert link["status"] == ["consumed"]
    assert link["page_token"]


def test_the_size_may_change_between_pages(rest: Rest, ids: list[str]) -> None:
    token = token_of(rest.get("/list?page_size=10"))
    assert ids_of([rest.get("/list", params={"page_token": token, "page_size": 3})]) == ids[10:13]


@pytest.mark.parametrize(("status", "kept"), [("consumed", 0), ("inserted", 1)])
def test_the_stream_can_be_filtered(rest: Rest, ids: list[str], status: str, kept: int) -> None:
    answer = rest.get(f"/list?status={status}")
    assert ids_of([answer]) == [id for n, id in enumerate(ids) if bool(n % 5) == bool(kept)]
    assert {payment["status"] for payment in answer.json()} == {status}


def test_payments_made_while_paging_hide_none(rest: Rest, ids: list[str], stored: Database) -> None:
    seen, added = [], []
    for answer in pages(rest, "?page_size=60"):
        seen += ids_of([answer])
        added.append(rest.create()["id"])
    stored.execute("DELETE FROM payments WHERE id = ANY(%s::uuid[])", added)
    assert seen[: len(ids)] == ids
    assert len(set(seen)) == len(seen)


def test_a_deleted_payment_does_not_break_the_page_that_ended_at_it(rest: Rest, stored: Database) -> None:
    added = rest.create_many(6)
    first = next(answer for answer in pages(rest, "?page_size=1") if ids_of([answer]) == [added[2]])
    rest.delete(f"/delete/{added[2]}")
    assert ids_of(pages(rest, "?page_size=2&page_token=" + token_of(first))) == added[3:]
    stored.execute("DELETE FROM payments WHERE id = ANY(%s::uuid[])", added)


BAD_QUERIES = [
    ("?page_size=-1", "page_size"),
    ("?page_size=abc", "page_size"),
    ("?page_size=1.5", "page_size"),
    ("?page_size=", "page_size"),
    ("?page_size=0x10", "page_size"),
    ("?page_size=1_0", "page_size"),
    ("?page_size=%EF%BC%91", "page_size"),
    ("?page_size=2147483648", "page_size"),
    ("?page_size=-2147483649", "page_size"),
    ("?page_size=99999999999999999999", "page_size"),
    ("?page_size=1&page_size=2", "page_size"),
    ("?status=foo", "status"),
    ("?status=INSERTED", "status"),
    ("?status=STATUS_INSERTED", "status"),
    ("?status=1", "status"),
    ("?status=", "status"),
    ("?status=inserted&status=consumed", "status"),
    ("?foo=1", "foo"),
    ("?page_size=1&foo.bar=1", "foo.bar"),
    ("?page_size.x=1", "page_size.x"),
    ("?payments=1", "payments"),
    ("?page_token=foo", "page_token"),
    ("?page_token=%00", "page_token"),
    ("?page_token=%FF", "page_token"),
    ("?page_token=" + "A" * 5000, "page_token"),
]


@pytest.mark.parametrize(("query", "field"), BAD_QUERIES)
def test_a_query_that_makes_no_sense_is_refused(rest: Rest, query: str, field: str) -> None:
    assert_problem(rest.get(f"/list{query}"), 400, "INVALID_ARGUMENT", field=field)


def test_a_token_is_bound_to_its_filter(rest: Rest, ids: list[str]) -> None:
    of_all, of_consumed = token_of(rest.get("/list?page_size=5")), token_of(rest.get("/list?page_size=5&status=consumed"))
    for token, status in ((of_all, "consumed"), (of_all, "inserted"), (of_consumed, "inserted"), (of_consumed, None)):
        answer = rest.get("/list", params={"page_token": token, **({"status": status} if status else {})})
        assert_problem(answer, 400, "INVALID_ARGUMENT", reason="PAGE_TOKEN_INVALID", field="page_token")


def test_a_token_changed_anywhere_is_refused(rest: Rest, ids: list[str]) -> None:
    token = token_of(rest.get("/list?page_size=5"))
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    last = [token[:-1] + character for character in string.ascii_letters + string.digits + "-_" if character != token[-1]]
    for forged in [*changed, *last, token[:-1], token + "A", token + "=", token[::-1], " " + token, token + "\n"]:
        answer = rest.get("/list", params={"page_token": forged})
        assert_problem(answer, 400, "INVALID_ARGUMENT", reason="PAGE_TOKEN_INVALID", field="page_token")


@pytest.mark.parametrize("plain", [True, False])
def test_a_token_made_of_an_id_is_refused(rest: Rest, ids: list[str], plain: bool) -> None:
    forged = ids[3] if plain else base64.urlsafe_b64encode(ids[3].encode()).decode().rstrip("=")
    assert_problem(rest.get("/list", params={"page_token": forged}), 400, reason="PAGE_TOKEN_INVALID", field="page_token")


def test_a_page_ends_at_one_mebibyte(rest: Rest, ids: list[str], stored: Database) -> None:
    body = document('{"s":"' + "x" * 60_000 + '"}')
    added = [id for _ in range(3) for id in ids_of_batch(rest, body, 14)]
    try:
        answers = list(pages(rest, "?page_size=1000"))
        assert ids_of(answers) == ids + added
        assert len(answers) > 2
        assert max(len(answer.content) for answer in answers) <= 1 << 20
        assert ids_of([rest.get("/list")]) == ids + added
    finally:
        stored.execute("DELETE FROM payments WHERE id = ANY(%s::uuid[])", added)


def ids_of_batch(rest: Rest, body: str, count: int) -> list[str]:
    answer = rest.post("/create:batch", body='{"requests":[' + ",".join([body] * count) + "]}")
    return [result["payment"]["id"] for result in answer.json()["results"]]


def test_a_client_that_leaves_mid_stream_harms_nobody(rest: Rest, ids: list[str]) -> None:
    for _ in range(5):
        answer = rest.another().get("/list", stream=True)
        next(answer.iter_content(10))
        answer.close()
    assert ids_of([rest.get("/list")]) == ids


def test_an_empty_list_is_an_empty_array(rest: Rest, stored: Database) -> None:
    stored.clear()
    for query in ("", "?status=consumed", "?page_size=10"):
        answer = rest.get(f"/list{query}")
        assert (answer.status_code, answer.json()) == (200, [])
        assert "Link" not in answer.headers
