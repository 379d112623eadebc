"""What holds for every answer: its request id, its security headers, and a truthful 500 where the gateway itself failed."""

import logging
import random
import re
from collections.abc import Iterable

from google.rpc import code_pb2
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.channel import DOMAIN
from gateway.clients import client_of, count
from gateway.transcoding import Refusal, problem_response

log = logging.getLogger("gateway")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# W3C Trace Context, version 00 and later ones that keep its form; all-zero ids are invalid there.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = "payments"
_NOT_METADATA = re.compile(rb"[^ -~]")
_LONGEST_AUTHORIZATION = 256  # bytes; no credential of the server's is as long


class Headers:
    """Outermost ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_id = _header(scope["headers"], b"x-request-id", _REQUEST_ID) or new_request_id()
        scope.setdefault("state", {})[_STATE] = request_id
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message["headers"] = list(message.get("headers", ()))
                headers += standard_headers(request_id, headers)
                count(scope, message["status"])
                if message["status"] >= 500:
                    # 503 comes in floods while the database is away, and the health check says so once.
                    level = logging.DEBUG if message["status"] == 503 else logging.WARNING
                    log.log(level, "%s %s answered %d, %s", scope["method"], _path(scope), message["status"], _origin(scope))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("%s %s failed, %s", scope["method"], _path(scope), _origin(scope))
            if started:
                raise  # the server closes the connection, so that the client sees that the answer is cut
            await _internal_error(request_id.decode())(scope, receive, send_with_headers)


def new_request_id() -> bytes:
    return b"%032x" % random.getrandbits(128)


def standard_headers(request_id: bytes, others: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What every answer carries beside its other headers, which may allow caches more than `no-store` does."""
    headers = [(b"x-request-id", request_id), (b"x-content-type-options", b"nosniff")]
    if not any(name == b"cache-control" for name, _ in others):
        headers.append((b"cache-control", b"no-store"))
    return headers


def call_metadata(scope: Scope) -> list[tuple[str, str | bytes]]:
    """The gRPC metadata of a request: its id, the trace it belongs to where the header is well-formed, and what it shows to be let in."""
    metadata: list[tuple[str, str | bytes]] = [("x-request-id", scope["state"][_STATE].decode())]
    traceparent = _header(scope["headers"], b"traceparent", _TRACEPARENT)
    if traceparent:
        metadata.append(("traceparent", traceparent.decode()))
    authorization = [value for name, value in scope["headers"] if name == b"authorization"]
    if authorization:
        metadata.append(("authorization", _metadata_value(b", ".join(authorization))))
    return metadata


def _metadata_value(header: bytes) -> str:
    """A header as gRPC can carry it. The server judges it: what is changed here is a key neither before nor after."""
    return _NOT_METADATA.sub(b"?", header[:_LONGEST_AUTHORIZATION]).decode()


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes, form: re.Pattern[bytes]) -> bytes | None:
    """The header's value where it is there once and well-formed."""
    values = [value for key, value in headers if key == name]
    return values[0] if len(values) == 1 and form.fullmatch(values[0]) else None


def _origin(scope: Scope) -> str:
    """For a log line: the request's id, and its client where the server has named one."""
    client = client_of(scope)
    return f"request {scope['state'][_STATE].decode()}{f', client {client}' if client else ''}"


def _path(scope: Scope) -> str:
    """As it came, percent-encoded, so that no path can break a log line."""
    return ascii(scope["raw_path"])[2:-1]


def _internal_error(request_id: str) -> ASGIApp:
    refusal = Refusal(f"Internal error; the log has it under request id {request_id}.", code=code_pb2.INTERNAL, reason="INTERNAL")
    return problem_response(refusal.status(DOMAIN))
