"""Bad requests over REST: the right 4xx with the field named, never a 5xx or a dropped connection, and nothing written."""

import re
from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.rest import Rest, assert_problem, document, exact_json, raw_exchange

UNKNOWN = "00000000-0000-7000-8000-000000000000"

pytestmark = pytest.mark.usefixtures("nothing_written")

MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "white space": b"  ",
    "an open brace": b"{",
    "no JSON": b"data=1&payment=2",
    "single quotes": b"{'data':{},'payment':1}",
    "a trailing comma": b'{"data":{},"payment":1,}',
    "a comment": b'{"data":{},"payment":1} // x',
    "two documents": b'{"data":{},"payment":1}{"data":{},"payment":1}',
    "trailing text": b'{"data":{},"payment":1} x',
    "a bare key": b'{data:{},"payment":1}',
    "NaN in data": b'{"data":{"a":NaN},"payment":1}',
    "Infinity in data": b'{"data":{"a":-Infinity},"payment":1}',
    "a leading zero in data": b'{"data":{"a":01},"payment":1}',
    "an open string": b'{"data":{"a":"b},"payment":1}',
    "a bad escape": rb'{"data":{"a":"\x41"},"payment":1}',
    "a short escape": rb'{"data":{"a":"\u12"},"payment":1}',
    "a control character in a string": b'{"data":{"a":"\n"},"payment":1}',
    "a NUL byte in a string": b'{"data":{"a":"\x00"},"payment":1}',
    "a NUL byte after the document": b'{"data":{},"payment":1}\x00',
    "invalid UTF-8 in data": b'{"data":{"a":"\xff"},"payment":1}',
    "a cut UTF-8 sequence": b'{"data":{"a":"\xe4\xb8"},"payment":1}',
    "an overlong UTF-8 sequence": b'{"data":{"a":"\xc0\x80"},"payment":1}',
    "a surrogate in UTF-8": b'{"data":{"a":"\xed\xa0\x80"},"payment":1}',
    "invalid UTF-8 in a field name": b'{"\xff":1,"data":{},"payment":1}',
    "UTF-16": '{"data":{},"payment":1}'.encode("utf-16"),
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand objects": b'{"data":' * 100_000,
    "deep data that never ends": b'{"data":{"a":' + b"[" * 100_000,
    "a field twice": b'{"data":{},"payment":1,"payment":2}',
    "a field in both spellings": b'{"data":{},"payment":1,"request_id":"a","requestId":"a"}',
    "an array": b"[]",
    "a payment in an array": b'[{"data":{},"payment":1}]',
    "a string": b'"x"',
    "null": b"null",
    "a number": b"1",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_body_that_is_no_request_is_refused(rest: Rest, body: bytes) -> None:
    assert_problem(rest.post("/create", body=body), 400, "INVALID_ARGUMENT")
    assert_problem(rest.post("/create:batch", body=body), 400, "INVALID_ARGUMENT")
    assert_problem(rest.put(f"/update/{UNKNOWN}", body=body), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("depth", [100, 1_000, 10_000, 100_000])
def test_depth_in_a_well_formed_document_is_a_fault_of_data(rest: Rest, depth: int) -> None:
    text = '{"a":' + "[" * depth + "]" * depth + "}"
    assert_problem(rest.post("/create", body=document(text)), 400, "INVALID_ARGUMENT", field="data")


WRONG_FIELDS = [
    ('"foo":1', "foo"),
    ('"id":"00000000-0000-7000-8000-000000000000"', "id"),
    ('"create_time":"2024-01-01T00:00:00Z"', "create_time"),
    ('"Data":{}', "Data"),
    ('"status":"foo"', "status"),
    ('"status":"INSERTED"', "status"),
    ('"status":"STATUS_INSERTED"', "status"),
    ('"status":1', "status"),
    ('"status":99', "status"),
    ('"status":true', "status"),
    ('"status":{}', "status"),
    ('"request_id":1', "request_id"),
    ('"request_id":["a"]', "request_id"),
]


@pytest.mark.parametrize(("member", "field"), WRONG_FIELDS)
def test_a_wrong_field_is_named(rest: Rest, member: str, field: str) -> None:
    answer = rest.post("/create", body='{"data":{},"payment":1,' + member + "}")
    assert_problem(answer, 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field=field)


NOT_UUIDS = [
    "1",
    "abc",
    "0",
    "%20",
    "%00",
    "null",
    UNKNOWN[:-1],
    UNKNOWN + "0",
    UNKNOWN.replace("0", "g"),
    "%F0%9F%98%80",
    "..%2f",
    "x" * 2000,
]


@pytest.mark.parametrize("id", NOT_UUIDS)
def test_an_id_that_is_no_uuid_is_refused(rest: Rest, id: str) -> None:
    assert_problem(rest.get(f"/get/{id}"), 400, "INVALID_ARGUMENT", reason="INVALID_FIELD", field="id")
    assert_problem(rest.put(f"/update/{id}", value={"status": "consumed"}), 400, "INVALID_ARGUMENT", field="id")
    assert_problem(rest.delete(f"/delete/{id}"), 400, "INVALID_ARGUMENT", field="id")


@pytest.mark.parametrize("id", ["%FF", "%C3", "a%ED%A0%80"])
def test_a_path_that_is_no_utf8_is_refused(rest: Rest, id: str) -> None:
    status, headers, body = raw_exchange(rest.url, f"GET /get/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert status in (400, 404), body
    assert headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["foo", "id", "etag", "foo.bar", "status"])
def test_an_unknown_query_parameter_is_named(rest: Rest, name: str) -> None:
    assert_problem(rest.get(f"/get/{UNKNOWN}?{name}=1"), 400, "INVALID_ARGUMENT", field=name)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/create?payment=2", document()),
        ("POST", "/create?foo=2", document()),
        ("PUT", f"/update/{UNKNOWN}?status=consumed", '{"status":"consumed"}'),
        ("DELETE", f"/delete/{UNKNOWN}?status=consumed", None),
    ],
)
def test_a_parameter_that_the_call_does_not_take_is_named(rest: Rest, method: str, path: str, body: str | None) -> None:
    name = path.partition("?")[2].partition("=")[0]
    assert_problem(rest.request(method, path, body=body), 400, "INVALID_ARGUMENT", field=name)


METHODS = [
    ("GET", "/create", "POST"),
    ("PUT", "/create", "POST"),
    ("DELETE", "/create", "POST"),
    ("GET", "/create:batch", "POST"),
    ("POST", "/list", "GET"),
    ("DELETE", "/list", "GET"),
    ("PATCH", f"/update/{UNKNOWN}", "PUT"),
    ("POST", f"/update/{UNKNOWN}", "PUT"),
    ("GET", f"/update/{UNKNOWN}", "PUT"),
    ("GET", f"/delete/{UNKNOWN}", "DELETE"),
    ("POST", f"/delete/{UNKNOWN}", "DELETE"),
    ("POST", f"/get/{UNKNOWN}", "GET"),
    ("POST", "/status", "GET"),
    ("POST", "/livez", "GET"),
    ("PROPFIND", "/list", "GET"),
    ("TRACE", "/list", "GET"),
]


@pytest.mark.parametrize(("method", "path", "allowed"), METHODS)
def test_a_wrong_method_is_405_and_says_which_are_allowed(rest: Rest, method: str, path: str, allowed: str) -> None:
    answer = rest.request(method, path, body=document() if method in ("POST", "PUT", "PATCH") else None)
    assert_problem(answer, 405)
    methods = {name.strip() for name in answer.headers["Allow"].split(",")}
    assert allowed in methods
    assert method not in methods
    assert ("HEAD" in methods) == (allowed == "GET")


PATHS = [
    "/",
    "/nothing",
    "/list/",
    "/create/",
    "/create:foo",
    "/create:batch/",
    "/get",
    "/get/",
    "/get/a/b",
    "/update",
    "/LIST",
    "//list",
    "/%6Cist/x",
]


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_path_is_404(rest: Rest, path: str) -> None:
    status, headers, body = raw_exchange(rest.url, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert status == 404, body
    assert headers["Content-Type"] == "application/problem+json"
    assert exact_json(body.decode())["status"] == 404


CONTENT_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "text/json",
    "nonsense",
    "*/*",
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_wrong_content_type_is_415(rest: Rest, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert_problem(rest.post("/create", body=document(), headers=headers), 415)
    assert_problem(rest.post("/create:batch", body=document(), headers=headers), 415)
    assert_problem(rest.put(f"/update/{UNKNOWN}", body='{"status":"consumed"}', headers=headers), 415)


@pytest.mark.parametrize("path", ["/list", "/list?page_size=1", f"/get/{UNKNOWN}"])
@pytest.mark.parametrize("body", [b"{}", b"x", document().encode()])
def test_a_body_on_get_is_refused(rest: Rest, path: str, body: bytes) -> None:
    assert_problem(rest.get(path, body=body), 400, "INVALID_ARGUMENT")


def ten_megabytes() -> Iterator[bytes]:
    yield b'{"data":{"s":"'
    for _ in range(160):
        yield b"x" * 65_536
    yield b'"},"payment":1}'


@pytest.mark.parametrize("method_path", ["POST /create", "POST /create:batch", f"PUT /update/{UNKNOWN}"])
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_a_ten_megabyte_body_is_413(rest: Rest, method_path: str, chunked: bool) -> None:
    method, path = method_path.split()
    for _ in range(3):
        answer = Rest(rest.url).request(method, path, body=ten_megabytes() if chunked else b"".join(ten_megabytes()))
        assert_problem(answer, 413)


@pytest.mark.parametrize("method_path", ["GET /list", "POST /nothing", "POST /list", f"DELETE /delete/{UNKNOWN}"])
def test_a_ten_megabyte_body_where_none_belongs_is_refused(rest: Rest, method_path: str) -> None:
    method, path = method_path.split()
    answer = Rest(rest.url).request(method, path, body=b"".join(ten_megabytes()))
    assert 400 <= answer.status_code < 500
    assert_problem(answer, answer.status_code)


def test_a_body_one_byte_over_the_limit_is_413(rest: Rest) -> None:
    body = document()
    assert_problem(rest.post("/create", body=body + " " * ((1 << 20) + 1 - len(body))), 413)


def test_a_long_header_or_path_gets_an_answer(rest: Rest) -> None:
    assert Rest(rest.url).get("/list", headers={"X-Long": "x" * 30_000}).status_code in (200, 400, 431)
    assert 400 <= Rest(rest.url).get("/get/" + "x" * 20_000).status_code < 500


def test_a_fault_of_the_database_is_told_by_an_id_alone(rest: Rest, stored: Database) -> None:
    """A constraint that the server knows nothing of stands in for whatever may go wrong inside."""
    stored.execute("ALTER TABLE payments ADD CONSTRAINT unforeseen CHECK (payment <> 77.77)")
    try:
        requests = ('{"data":{},"payment":77.77}', '{"data":{},"payment":77.77,"request_id":"unforeseen"}')
        answers = [rest.post("/create", body=body) for body in requests]
    finally:
        stored.execute("ALTER TABLE payments DROP CONSTRAINT unforeseen")
    for answer in answers:
        assert_problem(answer, 500, "INTERNAL", reason="INTERNAL")
        assert re.fullmatch(r"Internal error; the log has it under id [0-9a-f]{32}\.", answer.json()["detail"])
        assert not {"unforeseen", "77.77"} & set(re.findall(r"[\w.]+", answer.text))


def test_no_error_names_the_database(rest: Rest, stored: Database) -> None:
    for text in (r'{"a":"\u0000"}', '{"a":1e131071}', r'{"a":"\ud800"}'):
        assert "jsonb" not in rest.post("/create", body=document(text)).text.lower()
