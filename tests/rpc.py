"""What a gRPC client of the server sees: its stub, and failures with their details taken apart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True)
class Failure:
    """A failed call: its code, its message, and the google.rpc details that came with it."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    fields: tuple[str, ...]
    descriptions: tuple[str, ...]
    retry_after: float | None


def failure(call: Callable[..., Any], request: Any, *, timeout: float = 30) -> Failure:
    """Makes a call that must fail and returns how it did."""
    try:
        answer = call(request, timeout=timeout)
    except grpc.RpcError as error:
        return failed_with(error)
    raise AssertionError(f"the call was answered: {answer}")


def failed_with(error: Any) -> Failure:
    """Takes the error of a call apart."""
    trailers = {key: value for key, value in error.trailing_metadata() or ()}
    status = status_pb2.Status.FromString(trailers.get(DETAILS, b""))
    if status.code:
        assert (status.code, status.message) == (error.code().value[0], error.details())
    info, request, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    retried = False
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(request)
        retried = detail.Unpack(retry) or retried
    return Failure(
        code=error.code(),
        message=error.details(),
        reason=info.reason,
        domain=info.domain,
        fields=tuple(violation.field for violation in request.field_violations),
        descriptions=tuple(violation.description for violation in request.field_violations),
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retried else None,
    )
