"""What holds for every answer, whatever the application inside does."""

import uuid

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.types import Receive, Scope, Send

from gateway.exchange import Exchanges, call_metadata, note_client

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def metadata_seen_with(headers: list[tuple[str, str]]) -> dict[str, str]:
    seen: dict[str, str] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(call_metadata(scope))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(Exchanges(app)), base_url="http://gateway") as client:
        response = await client.get("/", headers=headers)
    assert response.headers["x-request-id"] == seen["x-request-id"]
    return seen


async def test_a_well_formed_request_id_is_kept() -> None:
    assert (await metadata_seen_with([("X-Request-Id", "a.B_9-z")]))["x-request-id"] == "a.B_9-z"


@pytest.mark.parametrize("value", ["", "a b", "a" * 65, "a;b", "a,b"])
async def test_a_malformed_request_id_is_replaced(value: str) -> None:
    assert (await metadata_seen_with([("X-Request-Id", value)]))["x-request-id"] != value


async def test_a_request_id_given_twice_is_replaced() -> None:
    assert (await metadata_seen_with([("X-Request-Id", "a"), ("X-Request-Id", "b")]))["x-request-id"] not in ("a", "b")


async def test_a_well_formed_traceparent_is_carried() -> None:
    assert (await metadata_seen_with([("traceparent", TRACEPARENT)]))["traceparent"] == TRACEPARENT


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        TRACEPARENT.upper(),
        TRACEPARENT + "-x",
        "ff" + TRACEPARENT[2:],
        TRACEPARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
    ],
)
async def test_a_malformed_traceparent_is_dropped(value: str) -> None:
    assert "traceparent" not in await metadata_seen_with([("traceparent", value)])


@pytest.mark.parametrize(
    ("lines", "carried"),
    [
        ([b"Bearer a"], "Bearer a"),
        ([b"Bearer a", b"Bearer b"], "Bearer a, Bearer b"),
        ([b"Bearer \xe9\ta"], "Bearer ??a"),
        ([b"Bearer " + b"x" * 1000], "Bearer " + "x" * 249),
        ([b""], ""),
    ],
)
async def test_a_credential_is_carried_for_the_server_to_judge(lines: list[bytes], carried: str) -> None:
    seen = await metadata_seen_with([(b"Authorization", line) for line in lines])  # type: ignore[misc]
    assert seen["authorization"] == carried


async def test_without_a_credential_none_is_carried() -> None:
    assert "authorization" not in await metadata_seen_with([])


async def test_the_log_and_the_metrics_name_the_client(caplog: pytest.LogCaptureFixture) -> None:
    name = f"client-{uuid.uuid4()}"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        note_client(scope, [("other", b"x"), ("payments-client", name)])
        await send({"type": "http.response.start", "status": 504, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(Exchanges(app)), base_url="http://gateway") as client:
        for _ in range(2):
            await client.get("/a%20path", headers={"X-Request-Id": "r17"})
    assert f"GET /a%20path answered 504, request r17, client {name}" in caplog.text
    assert REGISTRY.get_sample_value("payments_gateway_client_requests_total", {"client": name, "status": "504"}) == 2


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret")


async def test_a_failure_of_the_gateway_is_a_problem_that_tells_nothing_but_where_to_look() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Exchanges(failing)), base_url="http://gateway") as client:
        response = await client.get("/")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"] in response.json()["detail"]
    assert "secret" not in response.text
