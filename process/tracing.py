"""Traces by OpenTelemetry, where its own variables ask for them (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).

Nothing of OpenTelemetry is imported here before that. Where `tracer()` is None, no span is ever made.
"""

import contextlib
import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, SpanKind, Tracer

# The spans of the calls that are worked for. Of several that travel together there are several.
SPANS: "ContextVar[tuple[Span, ...]]" = ContextVar("spans", default=())

_tracer: "Tracer | None" = None


class CannotTrace(Exception):
    """The environment asks for traces that cannot be made; str() says why."""


def tracer() -> "Tracer | None":
    return _tracer


def wanted() -> bool:
    """Whether the environment asks for traces. Raises CannotTrace where it asks in vain."""
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none" or not (exporter or endpoint):
        return False
    if exporter not in ("", "otlp"):
        raise CannotTrace(f"OTEL_TRACES_EXPORTER={exporter}: traces are exported by otlp alone")
    if importlib.util.find_spec("opentelemetry") is None or importlib.util.find_spec("opentelemetry.sdk") is None:
        raise CannotTrace("OTEL_… asks for traces, and the extra `tracing` is not installed")
    if _protocol() not in ("grpc", "http/protobuf"):
        raise CannotTrace(f"OTEL_EXPORTER_OTLP_PROTOCOL={_protocol()}: it is grpc or http/protobuf")
    return True


@contextlib.contextmanager
def traces(service: str) -> Iterator[None]:
    """Makes and exports traces meanwhile, if they are wanted. `service`: service.name, unless the environment has another.

    Not to be entered before the process has forked its workers.
    """
    global _tracer
    if not wanted():
        yield
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if "service.name=" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", service)
    provider = TracerProvider(resource=Resource.create({"service.version": version("payments")}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter()))
    _tracer = provider.get_tracer("payments", version("payments"))
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


def start(name: str, kind: "SpanKind", traceparent: str, attributes: Mapping[str, str]) -> "Span":
    """A span within the W3C trace context `traceparent`, or, without one, the first of a trace."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    assert _tracer
    return _tracer.start_span(name, TraceContextTextMapPropagator().extract({"traceparent": traceparent}), kind, attributes)


def traceparent_within(span: "Span") -> str:
    """The W3C trace context of what is done within a span."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def end(span: "Span", attributes: Mapping[str, str | int], failed: bool) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attributes(attributes)
    if failed:
        span.set_status(StatusCode.ERROR)
    span.end()


@contextlib.contextmanager
def within_calls(name: str, attributes: Mapping[str, str]) -> Iterator[None]:
    """A span of what is done for the calls of SPANS: within the first one's, and linked to the others'. Without calls there is none."""
    spans: Sequence[Span] = SPANS.get()
    if _tracer is None or not spans:
        yield
        return
    from opentelemetry.trace import Link, SpanKind, set_span_in_context

    links = [Link(span.get_span_context()) for span in spans[1:]]
    span = _tracer.start_span(name, set_span_in_context(spans[0]), SpanKind.CLIENT, attributes, links)
    failed = True
    try:
        yield
        failed = False
    finally:
        end(span, {}, failed)  # without the exception, whose message may quote a row


def _protocol() -> str:
    return os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"


def _exporter() -> "SpanExporter":
    if _protocol() == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        return GrpcExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

    return HttpExporter()
