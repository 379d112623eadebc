"""The spans of requests, and of the calls that they make. To be used where process.tracing has a tracer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from google.rpc import code_pb2

from process import tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Metadata = Sequence[tuple[str, str | bytes]]


def request_span(traceparent: str, method: str, request_id: str) -> "Span":
    """Of a request that has come in this W3C trace context; empty for none."""
    from opentelemetry.trace import SpanKind

    return tracing.start(method, SpanKind.SERVER, traceparent, {"http.request.method": method, "payments.request_id": request_id})


def end_request_span(span: "Span", method: str, route: str, code: int) -> None:
    """The route is known only now."""
    span.update_name(f"{method} {route}")
    tracing.end(span, {"http.route": route, "http.response.status_code": code}, code >= 500)


def call_span(name: str, metadata: Metadata) -> tuple["Span", Metadata]:
    """Of a call with this metadata, and the metadata by which the server's span becomes a part of it."""
    from opentelemetry.trace import SpanKind

    given = dict(metadata).get("traceparent", "")
    attributes = {"rpc.system.name": "grpc", "rpc.method": name}
    span = tracing.start(name, SpanKind.CLIENT, given if isinstance(given, str) else "", attributes)
    others = [(key, value) for key, value in metadata if key != "traceparent"]
    return span, [*others, ("traceparent", tracing.traceparent_within(span))]


def end_call_span(span: "Span", code: int) -> None:
    """`code`: of google.rpc.Code. To a client every other one than OK is an error."""
    name = code_pb2.Code.Name(code_pb2.Code.ValueType(code))
    tracing.end(span, {"rpc.response.status_code": name}, code != code_pb2.OK)
