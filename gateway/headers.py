"""What the headers of a request say of it, and those that every answer has."""

import random
import re
from collections.abc import Iterable

from starlette.types import Scope

from process.request_id import REQUEST_ID
from process.trace_context import TRACEPARENT

_NOT_METADATA = re.compile(rb"[^ -~]")
_LONGEST_AUTHORIZATION = 256  # bytes; no credential of the server's is as long


def new_request_id() -> str:
    return f"{random.getrandbits(128):032x}"


def standard_headers(request_id: str, others: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What every answer carries beside its other headers, which may allow caches more than `no-store` does."""
    headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
    if not any(name == b"cache-control" for name, _ in others):
        headers.append((b"cache-control", b"no-store"))
    return headers


def request_id_of(scope: Scope) -> str:
    """The one that the client gave, where it is well-formed, else a new one."""
    return _header(scope, b"x-request-id", REQUEST_ID) or new_request_id()


def traceparent_of(scope: Scope) -> str:
    """The W3C trace context that the request is part of; empty where there is none, or none well-formed."""
    return _header(scope, b"traceparent", TRACEPARENT)


def credential_of(scope: Scope) -> str | None:
    """The header Authorization as gRPC can carry it. The server judges it: what is changed here is a key neither before nor after."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    return _NOT_METADATA.sub(b"?", b", ".join(values)[:_LONGEST_AUTHORIZATION]).decode() if values else None


def _header(scope: Scope, name: bytes, form: re.Pattern[str]) -> str:
    """The header's value where it is there once and well-formed; else empty."""
    values = [value for key, value in scope["headers"] if key == name]
    text = values[0].decode("latin-1") if len(values) == 1 else ""
    return text if form.fullmatch(text) else ""
