"""What only a proxy may say of a request is not believed when a client says it."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.rest import Rest

SPOOFED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-Ip": "203.0.113.9",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Original-Url": "/livez",
    "X-Rewrite-Url": "/livez",
    "X-Http-Method-Override": "DELETE",
    "Host": "evil.example",
}


@pytest.mark.parametrize("name", SPOOFED)
def test_a_header_of_a_proxy_changes_nothing(rest: Rest, name: str) -> None:
    rest.create_many(3)
    target = urlsplit(rest.url)
    shown = []
    for headers in ({}, {name: SPOOFED[name]}):
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=10)  # type: ignore[arg-type]
        connection.request("GET", "/list?page_size=2", headers=headers)
        answer = connection.getresponse()
        fields = {field: value for field, value in answer.getheaders() if field not in ("x-request-id", "date")}
        shown.append((answer.status, fields, answer.read()))
        connection.close()
    assert shown[0] == shown[1]
    assert shown[0][0] == 200 and "link" in shown[0][1]


@pytest.mark.parametrize(
    "path", ["/get/..%2Flist", "/get/%2e%2e/list", "//list", "/./list", "/get/../list", "/list;a=b", "/list%2F", "/%6Cist/..", "/LIST"]
)
def test_a_path_has_one_spelling(rest: Rest, path: str) -> None:
    """So that a rule of the ingress for a path holds for everything that the gateway takes for it."""
    target = urlsplit(rest.url)
    connection = http.client.HTTPConnection(target.hostname, target.port, timeout=10)  # type: ignore[arg-type]
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status in (400, 404)


SET = ["id", "create_time", "update_time", "etag", "revision", "client", "data_size", "payment_id"]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("member", SET)
def test_what_the_service_decides_cannot_be_given(rest: Rest, member: str) -> None:
    answer = rest.post("/create", body=f'{{"data":{{}},"payment":1,"{member}":"1"}}')
    assert answer.status_code == 400
    assert member in answer.text
