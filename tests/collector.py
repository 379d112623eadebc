"""A collector of traces: takes OTLP over HTTP or gRPC, and keeps the spans."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """`spans`: each with the name of the service that it came from, in the order in which they came."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[tuple[str, Span]] = []

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            named = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
            self.spans += [(named["service.name"], span) for scope in resource.scope_spans for span in scope.spans]

    def until(self, condition: Callable[[], Any]) -> None:
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end, [(service, span.name) for service, span in self.spans]
            time.sleep(0.05)

    def trace(self, id: str) -> dict[str, Span]:
        """The spans of a trace by service and name."""
        return {f"{service}: {span.name}": span for service, span in list(self.spans) if span.trace_id.hex() == id}


@contextlib.contextmanager
def collector(protocol: str) -> Iterator[Collector]:
    """`protocol`: as OTEL_EXPORTER_OTLP_PROTOCOL has it."""
    found = Collector()
    with (_over_grpc if protocol == "grpc" else _over_http)(found) as port:
        found.url = f"http://127.0.0.1:{port}"
        yield found


@contextlib.contextmanager
def _over_http(found: Collector) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            found.take(ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *values: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def _over_grpc(found: Collector) -> Iterator[int]:
    class Servicer(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: ExportTraceServiceRequest, context: grpc.ServicerContext) -> ExportTraceServiceResponse:
            found.take(request)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait()
