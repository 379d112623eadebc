"""What holds for every answer, whatever the application inside does."""

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gateway.headers import Headers, call_metadata

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def metadata_seen_with(headers: list[tuple[str, str]]) -> dict[str, str]:
    seen: dict[str, str] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(call_metadata(scope))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(Headers(app)), base_url="http://gateway") as client:
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


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret")


async def test_a_failure_of_the_gateway_is_a_problem_that_tells_nothing_but_where_to_look() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Headers(failing)), base_url="http://gateway") as client:
        response = await client.get("/")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"] in response.json()["detail"]
    assert "secret" not in response.text
