"""A plain HTTP client of the gateway and the marks that every answer of it must carry."""

import http.client
import json
import re
import socket
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import requests

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LEAKS = re.compile(
    r"Traceback|psycopg|sqlalchemy|site-packages|\.py\b|SELECT |INSERT |UPDATE payments|127\.0\.0\.1|localhost|pg_|grpc_status", re.I
)

Body = bytes | str | Iterable[bytes] | None


class Rest:
    """Requests to one gateway over one kept-alive connection; paths are relative to it."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") + "/"
        self.session = requests.Session()
        self.session.trust_env = False

    def another(self) -> "Rest":
        """The same, over a connection of its own."""
        return Rest(self.url)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Body = None,
        value: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | bytes] | None = None,
        stream: bool = False,
        timeout: float = 30,
    ) -> requests.Response:
        """One exchange; `value` is sent as JSON, `body` as it stands with application/json unless the headers say otherwise."""
        content = json.dumps(value) if value is not None else body
        declared = {"Content-Type": "application/json"} if content is not None else {}
        return self.session.request(
            method,
            self.url.rstrip("/") + path,
            data=content,
            params=params,
            headers={**declared, **(headers or {})},
            stream=stream,
            timeout=timeout,
            allow_redirects=False,
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def create(self, data: str = "{}", payment: str = "1.00", *, status: str | None = None, key: str | None = None) -> dict[str, Any]:
        """Stores a payment whose `data` and `payment` are given as JSON text and returns it with exact numbers."""
        answer = self.post("/create", body=document(data, payment, status=status), headers={"Idempotency-Key": key} if key else None)
        assert answer.status_code == 200, answer.text
        created: dict[str, Any] = exact(answer)
        return created

    def create_many(self, count: int, data: str = "{}", payment: str = "1.00") -> list[str]:
        """Stores alike payments by batches and returns their ids, oldest first."""
        ids: list[str] = []
        while len(ids) < count:
            items = ",".join([document(data, payment)] * min(count - len(ids), 1000))
            answer = self.post("/create:batch", body=f'{{"requests":[{items}]}}')
            assert answer.status_code == 200, answer.text
            ids += [result["payment"]["id"] for result in answer.json()["results"]]
        return ids

    def create_pages(self, count: int) -> int:
        """Stores payments with long documents, about a mebibyte of them for each page, and returns how many."""
        batch = ",".join([document('{"s":"' + "x" * 60_000 + '"}')] * 17)
        for _ in range(count):
            answer = self.post("/create:batch", body=f'{{"requests":[{batch}]}}')
            assert answer.status_code == 200, answer.text
        return count * 17


def document(data: str = "{}", payment: str = "1.00", *, status: str | None = None) -> str:
    """The JSON text of a create, its `data` and `payment` untouched."""
    return f'{{"data":{data},"payment":{payment}' + (f',"status":"{status}"' if status else "") + "}"


def exact(answer: requests.Response) -> Any:
    """The answer's JSON with every number kept as a Decimal or an int."""
    return exact_json(answer.content.decode())


def exact_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def shown_payment(answer: requests.Response) -> str:
    """The amount as the answer's text spells it."""
    shown = re.search(r'"payment"\s*:\s*([^,}\s]+)', answer.text)
    assert shown, answer.text
    return shown[1]


def strong_etag(answer: requests.Response) -> str:
    etag = answer.headers.get("ETag", "")
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', etag), f"ETag: {etag!r}"
    return etag


def assert_marks(answer: requests.Response) -> None:
    """What every answer of the gateway carries, and what none does."""
    assert REQUEST_ID.fullmatch(answer.headers.get("X-Request-Id", "")), dict(answer.headers)
    assert answer.headers.get("X-Content-Type-Options") == "nosniff", dict(answer.headers)
    assert "Server" not in answer.headers


def assert_problem(
    answer: requests.Response, status: int, code: str | None = None, *, reason: str | None = None, field: str | None = None
) -> dict[str, Any]:
    """The answer is a problem document (RFC 9457) of this API that tells the client what it needs and nothing more."""
    assert answer.status_code == status, f"expected {status}, got {answer.status_code}: {answer.text[:500]}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert_marks(answer)
    assert "no-store" in answer.headers.get("Cache-Control", "") or "no-cache" in answer.headers.get("Cache-Control", "")
    problem: dict[str, Any] = answer.json()
    assert isinstance(problem["type"], str) and problem["title"] and problem["detail"], problem
    assert problem["status"] == status
    assert not LEAKS.search(answer.text), answer.text
    if code is not None:
        assert problem["code"] == code, problem
    if reason is not None:
        assert problem["reason"] == reason, problem
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem
        assert all(error["description"] for error in problem["errors"]), problem
    return problem


def raw_exchange(url: str, request: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Sends bytes as they stand, for what an HTTP client would refuse to send; status, headers and body of the answer."""
    target = urlsplit(url)
    assert target.hostname and target.port
    with socket.create_connection((target.hostname, target.port), timeout=30) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers, answer.read()
