"""What every answer carries, and what a request's own headers bring about."""

import re
from collections.abc import Callable

import pytest
import requests

from tests.rest import REQUEST_ID, Rest, assert_marks, assert_problem, document, raw_exchange

UNKNOWN = "00000000-0000-7000-8000-000000000000"
ANSWERS: dict[str, Callable[[Rest], requests.Response]] = {
    "create": lambda rest: rest.post("/create", body=document()),
    "create refused": lambda rest: rest.post("/create", body="{"),
    "batch": lambda rest: rest.post("/create:batch", body=f'{{"requests":[{document()}]}}'),
    "get": lambda rest: rest.get(f"/get/{rest.create()['id']}"),
    "get nothing": lambda rest: rest.get(f"/get/{UNKNOWN}"),
    "get no id": lambda rest: rest.get("/get/1"),
    "list": lambda rest: rest.get("/list"),
    "page": lambda rest: rest.get("/list?page_size=1"),
    "update": lambda rest: rest.put(f"/update/{rest.create()['id']}", value={"status": "consumed"}),
    "delete": lambda rest: rest.delete(f"/delete/{rest.create()['id']}"),
    "status": lambda rest: rest.get("/status"),
    "livez": lambda rest: rest.get("/livez"),
    "readyz": lambda rest: rest.get("/readyz"),
    "openapi": lambda rest: rest.get("/openapi.json"),
    "docs": lambda rest: rest.get("/docs"),
    "unknown path": lambda rest: rest.get("/nothing/here"),
    "wrong method": lambda rest: rest.get("/create"),
    "wrong content type": lambda rest: rest.post("/create", body="a=1", headers={"Content-Type": "text/plain"}),
    "too large": lambda rest: rest.post("/create", body=b" " * (2 << 20)),
}


@pytest.fixture(params=list(ANSWERS.values()), ids=list(ANSWERS))
def answer(rest: Rest, request: pytest.FixtureRequest) -> requests.Response:
    made: requests.Response = request.param(rest)
    return made


def test_every_answer_carries_the_marks(answer: requests.Response) -> None:
    assert_marks(answer)


def test_no_answer_but_get_is_kept_by_caches(answer: requests.Response) -> None:
    path = answer.request.path_url
    if path.startswith(("/docs", "/openapi.json")):
        return
    expected = {"private, no-cache", "no-store"} if path.startswith("/get/") else {"no-store"}
    assert answer.headers.get("Cache-Control") in expected


@pytest.mark.parametrize("sent", ["a", "abc.DEF_1-2", "0" * 64, "....", "-", "4bf92f3577b34da6a3ce929d0e0e4736"])
@pytest.mark.parametrize("path", ["/list?page_size=1", "/get/1", "/nothing", "/status", f"/get/{UNKNOWN}", "/livez"])
def test_a_request_id_is_echoed(rest: Rest, path: str, sent: str) -> None:
    assert rest.get(path, headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", [b"0" * 65, b"a b", b"a/b", b"a,b", b"<script>", "é".encode(), "é".encode("latin-1"), b"", b"a\tb", b"{}"])
@pytest.mark.parametrize("path", ["/list?page_size=1", "/nothing"])
def test_a_malformed_request_id_is_replaced(rest: Rest, path: str, sent: bytes) -> None:
    given = rest.get(path, headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert REQUEST_ID.fullmatch(given)
    assert given.encode() != sent


def test_request_ids_made_by_the_gateway_differ(rest: Rest) -> None:
    assert len({rest.get("/livez").headers["X-Request-Id"] for _ in range(20)}) == 20


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "x-gzip", "gzip, gzip", "nonsense"])
def test_a_content_coding_is_refused(rest: Rest, coding: str) -> None:
    assert_problem(rest.post("/create", body=document(), headers={"Content-Encoding": coding}), 415)


@pytest.mark.parametrize("path", ["/get/{id}", "/list", "/list?page_size=1", "/status", "/livez", "/readyz", "/openapi.json", "/docs"])
def test_head_is_get_without_the_body(rest: Rest, path: str) -> None:
    path = path.format(id=rest.create()["id"])
    got, head = rest.get(path), rest.request("HEAD", path)
    assert head.status_code == got.status_code == 200
    assert head.content == b""
    assert_marks(head)
    for name in ("Content-Type", "ETag", "Cache-Control", "Link", "Payments-Version"):
        assert head.headers.get(name) == got.headers.get(name), name
    if "Content-Length" in head.headers:  # RFC 9110, section 8.6: what GET would send, or nothing
        assert head.headers["Content-Length"] == got.headers.get("Content-Length")


@pytest.mark.parametrize(
    ("path", "status"), [("/get/1", 400), (f"/get/{UNKNOWN}", 404), ("/nothing", 404), ("/list?foo=1", 400), ("/create", 405)]
)
def test_head_of_an_error_is_the_error_without_the_body(rest: Rest, path: str, status: int) -> None:
    head = rest.request("HEAD", path)
    assert (head.status_code, head.content) == (status, b"")
    assert_marks(head)


def test_a_head_leaves_the_connection_usable(rest: Rest) -> None:
    for _ in range(3):
        assert rest.request("HEAD", "/list").status_code == 200
        assert rest.get("/status").text == "ok"


def test_no_cross_origin_access_is_granted(rest: Rest) -> None:
    answer = rest.get("/list?page_size=1", headers={"Origin": "https://elsewhere.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_a_header_line_that_is_no_http_gets_an_answer(rest: Rest) -> None:
    status, _, body = raw_exchange(rest.url, b"GET /list HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n")
    assert status == 400
    assert not re.search(rb"Traceback", body)
