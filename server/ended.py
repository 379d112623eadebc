"""Calls that have ended, as what is kept of them needs them: their metrics, their log lines and audit lines."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from server.call import Caller, Metadata, loggable_id
from server.service import given_id


class Record(NamedTuple):
    """Of one call, that travelled alone or with others."""

    request: Any  # None where it cannot be decoded
    request_id: str  # as a log may have it
    traceparent: str  # as the caller has sent it
    payment_id: str  # that the payment is to have, as the caller has sent it


class Ended(NamedTuple):
    """A call, or the calls of a message that carries several: each has a caller and a code of google.rpc.Code."""

    calls: Sequence[Record]
    replies: Sequence[Any]  # None for a call that has failed
    callers: Sequence[Caller]
    codes: Sequence[int]
    seconds: float


def alone(request: Any, metadata: Metadata) -> list[Record]:
    """The call that has come with this metadata."""
    traceparent = metadata.get("traceparent", "")
    return [
        Record(
            request,
            loggable_id(metadata.get("x-request-id", "")),
            traceparent if isinstance(traceparent, str) else "",
            given_id(metadata),
        )
    ]


def carried(request: Any) -> list[Record]:
    """The `calls` of a message that carries several; as many of a message that is refused as a whole."""
    calls = []
    for call in request.calls:
        context = call.context
        calls.append(Record(call.request, loggable_id(context.request_id), context.traceparent, context.payment_id))
    return calls
