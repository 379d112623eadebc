"""The errors of the API: google.rpc.Status with an ErrorInfo, field violations and, where waiting helps, a RetryInfo."""

import logging
import uuid
from collections.abc import Mapping
from functools import cache

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

log = logging.getLogger("server")

DOMAIN = "payments.v1"
RETRY_AFTER = Duration(seconds=1)


class Failure(Exception):
    """A call, or one item of a batch, that ends with this status."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        retry: bool = False,
        challenge: str = "",
        hold: float = 0.0,
    ) -> None:
        """`reason`: for programs, unique within DOMAIN; `fields`: what is wrong with each field at fault, by its path.

        `hold`: seconds for which the answer is held back, and its caller with it.

        `challenge`: what HTTP says of it in WWW-Authenticate (RFC 9110, section 11.6.1).
        """
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.fields = fields or {}
        self.retry = retry
        self.challenge = challenge
        self.hold = hold

    def status(self, prefix: str = "") -> status_pb2.Status:
        """`prefix`: what stands before the field's path when it is part of a larger message, such as `requests[3].`"""
        faults = {prefix + field: description for field, description in self.fields.items()}
        message = "; ".join(f"{field}: {description}" for field, description in faults.items()) or self.message
        status = status_pb2.Status(code=self.code, message=message)
        metadata = {"www-authenticate": self.challenge} if self.challenge else None
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=metadata))
        if faults:
            violations = [error_details_pb2.BadRequest.FieldViolation(field=field, description=faults[field]) for field in faults]
            status.details.add().Pack(error_details_pb2.BadRequest(field_violations=violations))
        if self.retry:
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=RETRY_AFTER))
        return status


@cache
def code_name(code: int) -> str:
    """Of a code of google.rpc.Code."""
    return str(code_pb2.Code.Name(code_pb2.Code.ValueType(code)))


def invalid(fields: Mapping[str, str], reason: str = "INVALID_FIELD") -> Failure:
    return Failure(code_pb2.INVALID_ARGUMENT, reason, "The request is not valid.", fields=fields)


def not_found() -> Failure:
    return Failure(code_pb2.NOT_FOUND, "PAYMENT_NOT_FOUND", "There is no such payment.")


def etag_mismatch() -> Failure:
    return Failure(code_pb2.ABORTED, "ETAG_MISMATCH", "The payment has changed: its etag is another one.")


def key_reused() -> Failure:
    return Failure(code_pb2.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED", "The request_id was used before with other content.")


def id_taken() -> Failure:
    return Failure(code_pb2.ALREADY_EXISTS, "PAYMENT_EXISTS", "There is another payment with this id.")


def unavailable() -> Failure:
    return Failure(code_pb2.UNAVAILABLE, "DATABASE_UNAVAILABLE", "The database is not available at the moment.", retry=True)


def deadline_exceeded() -> Failure:
    return Failure(code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The request could not be answered in time.")


def conflict() -> Failure:
    return Failure(code_pb2.ABORTED, "CONFLICT", "The request met another one and was undone; it can be sent again.", retry=True)


def too_many_requests(hold: float = 0.0) -> Failure:
    return Failure(code_pb2.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS", "Too many requests are in flight.", retry=True, hold=hold)


def unexpected(where: str) -> Failure:
    """For the exception being handled, which is a fault of ours: the log has its traceback, the caller the id to find it by."""
    error_id = uuid.uuid4().hex
    log.exception("error %s, %s", error_id, where)
    return Failure(code_pb2.INTERNAL, "INTERNAL", f"Internal error; the log has it under id {error_id}.")
