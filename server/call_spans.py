"""The spans of calls, also of those that travel together: each is part of the trace of its own request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from google.rpc import code_pb2

from process import tracing
from server.ended import Record
from server.errors import code_name

if TYPE_CHECKING:
    from opentelemetry.trace import Span

# Codes that say of a server that it has failed (OpenTelemetry's semantic conventions for gRPC).
_FAILED = frozenset(
    {
        code_pb2.UNKNOWN,
        code_pb2.DEADLINE_EXCEEDED,
        code_pb2.UNIMPLEMENTED,
        code_pb2.INTERNAL,
        code_pb2.UNAVAILABLE,
        code_pb2.DATA_LOSS,
    }
)


class CallSpans:
    """Of the calls of one method."""

    def __init__(self, service: str, method: str) -> None:
        self._name = f"{service}/{method}"
        self._attributes = {"rpc.system.name": "grpc", "rpc.method": self._name}

    def begin(self, calls: Sequence[Record]) -> "Sequence[Span]":
        """One for each. What the current task does from now on is done for them."""
        if tracing.tracer() is None:
            return ()
        from opentelemetry.trace import SpanKind

        spans = [tracing.start(self._name, SpanKind.SERVER, call.traceparent, self._attributes) for call in calls]
        tracing.SPANS.set(tuple(span for span in spans if span.is_recording()))
        return spans

    def end(self, spans: "Sequence[Span]", codes: Sequence[int]) -> None:
        for span, code in zip(spans, codes, strict=True):
            tracing.end(span, {"rpc.response.status_code": code_name(code)}, code in _FAILED)
