import json
from typing import Any

import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from starlette.applications import Starlette

from gateway.tests.library_service import Library, library, serving
from gateway.tests.test_transcoding import client_of, problem
from gateway.transcoding import Refusal, RpcFailed, problem_response
from gateway.transcoding.codec import Violation
from gateway.transcoding.routes import transcode

CODES = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
# What gRPC makes itself: of a host, a credential, an exception.
TRANSPORT = {
    "CANCELLED",
    "UNKNOWN",
    "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
}


def document(response: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(response.body)
    return content


@pytest.mark.parametrize(("name", "http_status"), CODES.items())
async def test_every_code_has_its_http_status_and_the_server_s_own_details(name: str, http_status: int) -> None:
    async with serving(Library()) as channel, client_of(app(channel)) as client:
        response = await client.get(f"/v1/failures/{code_pb2.Code.Value(name)}?detailed=true&text=no+such+thing")
    assert problem(response) == {
        "type": "about:blank",
        "title": response.reason_phrase or "Client Closed Request",
        "status": http_status,
        "detail": "no such thing",
        "code": name,
        "reason": "TOLD_TO",
        "domain": "library.v1",
        "errors": [{"field": "code", "description": "is a code of failure"}],
    }
    assert response.headers.get("WWW-Authenticate") == ("Bearer" if http_status == 401 else None)
    assert response.headers.get("Retry-After") == ("1" if http_status in (429, 503) else None)


@pytest.mark.parametrize("name", CODES)
async def test_without_details_only_what_a_service_alone_can_say_is_shown(name: str) -> None:
    async with serving(Library()) as channel, client_of(app(channel)) as client:
        response = await client.get(f"/v1/failures/{code_pb2.Code.Value(name)}?text=ipv4:10.0.0.1:5432")
    detail = problem(response)["detail"]
    assert detail == "ipv4:10.0.0.1:5432" if name not in TRANSPORT else (detail and "10.0.0.1" not in detail)
    assert {"reason", "domain", "errors"}.isdisjoint(problem(response))


@pytest.mark.parametrize("details", [status_pb2.Status(code=code_pb2.OK, message="secret").SerializeToString(), b"\xff"])
def test_details_that_contradict_the_code_or_cannot_be_read_are_not_shown(details: bytes) -> None:
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", details))
    error = grpc.aio.AioRpcError(grpc.StatusCode.INTERNAL, grpc.aio.Metadata(), trailing, details="secret too")
    assert RpcFailed.of(error).status == status_pb2.Status(code=code_pb2.INTERNAL, message="The service failed.")


async def test_an_exception_of_the_service_is_not_shown() -> None:
    servicer = Library()
    servicer.GetFile = None  # type: ignore[assignment, method-assign]
    async with serving(servicer) as channel, client_of(app(channel)) as client:
        response = await client.get("/v1/files/x")
    assert problem(response) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "The service failed.",
        "code": "UNKNOWN",
    }


def app(channel: grpc.aio.Channel) -> Any:
    return Starlette(routes=transcode([library()], channel))


@pytest.mark.parametrize(
    ("delay", "header"),
    [
        (Duration(), "1"),
        (Duration(nanos=1), "1"),
        (Duration(seconds=1), "1"),
        (Duration(seconds=1, nanos=1), "2"),
        (Duration(seconds=-3), "1"),
    ],
)
def test_retry_after_is_the_retry_info_in_whole_seconds(delay: Duration, header: str) -> None:
    status = status_pb2.Status(code=code_pb2.ABORTED)
    status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    assert problem_response(status).headers["Retry-After"] == header


@pytest.mark.parametrize(
    ("code", "told", "header"),
    [
        (code_pb2.UNAUTHENTICATED, 'Bearer error="invalid_token"', 'Bearer error="invalid_token"'),
        (code_pb2.PERMISSION_DENIED, 'Bearer error="insufficient_scope", scope="a"', 'Bearer error="insufficient_scope", scope="a"'),
        (code_pb2.PERMISSION_DENIED, "", None),
        (code_pb2.UNAUTHENTICATED, "", "Bearer"),
        (code_pb2.UNAUTHENTICATED, "Bearer\r\nX-Other: 1", "Bearer"),
        (code_pb2.UNAUTHENTICATED, "Bearer \N{SNOWMAN}", "Bearer"),
    ],
)
def test_www_authenticate_is_what_the_service_says(code: int, told: str, header: str | None) -> None:
    status = status_pb2.Status(code=code)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="NO", metadata={"www-authenticate": told}))
    response = problem_response(status)
    assert response.headers.get("WWW-Authenticate") == header
    assert "X-Other" not in response.headers


def test_an_http_status_and_headers_may_be_given() -> None:
    response = problem_response(status_pb2.Status(code=code_pb2.ABORTED), http_status=412, headers={"ETag": '"1"'})
    assert (response.status_code, response.headers["ETag"]) == (412, '"1"')
    assert (document(response)["title"], document(response)["code"]) == ("Precondition Failed", "ABORTED")


def test_details_that_cannot_be_read_and_codes_that_are_unknown_do_no_harm() -> None:
    status = status_pb2.Status(code=99, message="lone \N{SNOWMAN}")
    detail = status.details.add()
    detail.Pack(error_details_pb2.ErrorInfo())
    detail.value = b"\xff"
    response = problem_response(status)
    assert (response.status_code, document(response)["code"], document(response)["detail"]) == (500, "UNKNOWN", "lone \N{SNOWMAN}")


def test_a_refusal_names_its_fields_and_its_domain() -> None:
    violations = [Violation("a", "is wrong"), Violation("b", "is too")]
    with_domain = document(problem_response(Refusal("wrong", violations=violations, reason="INVALID_FIELD").status("library.v1")))
    assert with_domain["errors"] == [{"field": "a", "description": "is wrong"}, {"field": "b", "description": "is too"}]
    assert (with_domain["reason"], with_domain["domain"]) == ("INVALID_FIELD", "library.v1")
    assert {"reason", "domain"}.isdisjoint(document(problem_response(Refusal("wrong", field="a").status(None))))
