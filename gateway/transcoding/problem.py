"""Errors: google.rpc.Status, as gRPC has it, shown as problem details (RFC 9457)."""

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Self

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from starlette.responses import Response

from gateway.transcoding.codec import Violation

# google/rpc/code.proto's own mapping.
HTTP_STATUS: Mapping[int, int] = {
    code_pb2.OK: 200,
    code_pb2.CANCELLED: 499,
    code_pb2.UNKNOWN: 500,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.INTERNAL: 500,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DATA_LOSS: 500,
    code_pb2.UNAUTHENTICATED: 401,
}

_GENERIC: Mapping[int, str] = {
    code_pb2.CANCELLED: "The request was cancelled.",
    code_pb2.INVALID_ARGUMENT: "The request is not valid.",
    code_pb2.DEADLINE_EXCEEDED: "The service did not answer in time.",
    code_pb2.NOT_FOUND: "There is no such resource.",
    code_pb2.ALREADY_EXISTS: "The resource exists already.",
    code_pb2.PERMISSION_DENIED: "The caller may not do this.",
    code_pb2.RESOURCE_EXHAUSTED: "Too many requests, or too large a message.",
    code_pb2.FAILED_PRECONDITION: "The service is not in a state in which this can be done.",
    code_pb2.ABORTED: "The request met another one and was aborted.",
    code_pb2.OUT_OF_RANGE: "A value is out of range.",
    code_pb2.UNIMPLEMENTED: "The service does not offer this.",
    code_pb2.UNAVAILABLE: "The service is unavailable.",
    code_pb2.UNAUTHENTICATED: "The caller is not authenticated.",
}

# What a header may have.
_VISIBLE = re.compile(r"[ -~]+")

# gRPC itself never makes these codes, so their text is the service's. That of the others may be the transport's, with addresses, or an
# exception's.
_SPOKEN_BY_THE_SERVICE = frozenset(
    {
        code_pb2.INVALID_ARGUMENT,
        code_pb2.NOT_FOUND,
        code_pb2.ALREADY_EXISTS,
        code_pb2.PERMISSION_DENIED,
        code_pb2.FAILED_PRECONDITION,
        code_pb2.ABORTED,
        code_pb2.OUT_OF_RANGE,
    }
)


class RpcFailed(Exception):
    """A call ended with this google.rpc.Status. The route shows it as a problem unless a handler catches it."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(f"{code_pb2.Code.Name(code_pb2.Code.ValueType(status.code))}: {status.message}")
        self.status = status

    @property
    def reason(self) -> str:
        """Of the ErrorInfo; empty without one."""
        info = error_details_pb2.ErrorInfo()
        return next((info.reason for detail in self.status.details if detail.Unpack(info)), "")

    @classmethod
    def with_code(cls, code: int) -> Self:
        """With the code's own text and no details."""
        return cls(status_pb2.Status(code=code, message=generic_text(code)))

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> Self:
        """From the status details that the server sent, else from the code, with text that cannot name a host."""
        code: int = error.code().value[0]
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin" and isinstance(value, bytes):
                try:
                    status = status_pb2.Status.FromString(value)
                except DecodeError:
                    break
                if status.code == code:
                    return cls(status)
        spoken = error.details() if code in _SPOKEN_BY_THE_SERVICE else None
        return cls(status_pb2.Status(code=code, message=spoken or generic_text(code)))


class Refusal(Exception):
    """The request is refused before, or instead of, a call. `http_status`: where the code's own is not exact enough."""

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        violations: Iterable[Violation] = (),
        code: int = code_pb2.INVALID_ARGUMENT,
        reason: str = "INVALID_REQUEST",
        http_status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`field`: the one at fault, as `errors` names it; `violations`: the same for several."""
        super().__init__(detail)
        self.detail = detail
        self.violations = tuple(violations) if field is None else (Violation(field, detail),)
        self.code = code
        self.reason = reason
        self.http_status = http_status
        self.headers = headers

    def status(self, domain: str | None) -> status_pb2.Status:
        """The refusal as the service itself would word it: with an ErrorInfo where there is a domain, and a BadRequest where a field is at
        fault."""
        status = status_pb2.Status(code=self.code, message=self.detail)
        if domain:
            status.details.add().Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=domain))
        if self.violations:
            faults = error_details_pb2.BadRequest()
            for violation in self.violations:
                faults.field_violations.add(field=violation.field, description=violation.description)
            status.details.add().Pack(faults)
        return status


def generic_text(code: int) -> str:
    """What a code means, for a client that must not learn more."""
    return _GENERIC.get(code, "The service failed.")


def problem_response(status: status_pb2.Status, http_status: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """`application/problem+json` of a status.

    Members: type, title, status, detail, code; reason and domain of an ErrorInfo; errors, a list of {field, description}, of a BadRequest.
    `http_status`: instead of the one google/rpc/code.proto has for the code. A 429 and a 503 carry Retry-After, in whole seconds from the
    RetryInfo, else 1. WWW-Authenticate is what an ErrorInfo has under `www-authenticate` in its metadata; a 401 without it says Bearer.
    """
    number = http_status or HTTP_STATUS.get(status.code, 500)
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": _title(number),
        "status": number,
        "detail": status.message or generic_text(status.code),
        "code": code_pb2.Code.Name(code_pb2.Code.ValueType(status.code)) if status.code in HTTP_STATUS else "UNKNOWN",
    }
    extra: dict[str, str] = {"WWW-Authenticate": "Bearer"} if number == 401 else {}
    extra |= _apply_details(status, document)
    if number in (429, 503):
        extra.setdefault("Retry-After", "1")
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Response(body, number, {**extra, **(headers or {})}, "application/problem+json")


def _apply_details(status: status_pb2.Status, document: dict[str, Any]) -> dict[str, str]:
    """Adds what the details say to the document. Returns what they say in headers."""
    headers = {}
    for detail in status.details:
        info, faults, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        try:
            if detail.Unpack(info):
                document |= {"reason": info.reason, "domain": info.domain}
                if _VISIBLE.fullmatch(challenge := info.metadata.get("www-authenticate", "")):
                    headers["WWW-Authenticate"] = challenge
            elif detail.Unpack(faults):
                errors = [{"field": each.field, "description": each.description} for each in faults.field_violations]
                document.setdefault("errors", []).extend(errors)
            elif detail.Unpack(retry):
                delay = retry.retry_delay
                headers["Retry-After"] = str(max(1, delay.seconds + (delay.nanos > 0)))
        except DecodeError:
            continue
    return headers


def _title(number: int) -> str:
    return "Client Closed Request" if number == 499 else HTTPStatus(number).phrase
