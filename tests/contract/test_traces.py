"""One request is one trace, from the header traceparent to the SQL statement; switched off, nothing of OpenTelemetry's SDK is there."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.tests.gateway_process import Gateway
from gateway.tests.gateway_process import run as run_gateway
from local.stack import Stack
from payments.v1 import payments_pb2 as pb
from server.tests.server_process import Server
from tests.collector import Collector, collector
from tests.pair import pair
from tests.rest import Rest, document

PARENT = "00f067aa0ba902b7"
CREATE = "payments.v1.PaymentService/CreatePayment"


def traceparent(trace: str, flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{PARENT}-{flags}"}


@contextlib.contextmanager
def traced(running: Stack, found: Collector, protocol: str) -> Iterator[tuple[Server, Gateway, Rest]]:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": found.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "NO_PROXY": "127.0.0.1",
    }
    with pair(running, **variables) as (server, gateway):
        yield server, gateway, Rest(f"http://{gateway.address}")


@pytest.fixture(scope="module")
def http_collector() -> Iterator[Collector]:
    with collector("http/protobuf") as found:
        yield found


@pytest.fixture(scope="module")
def service(running: Stack, http_collector: Collector) -> Iterator[tuple[Server, Gateway, Rest]]:
    with traced(running, http_collector, "http/protobuf") as started:
        yield started


def assert_one_trace_of_a_create(spans: dict[str, Span], parent: str) -> None:
    request, called = spans["payments-gateway: POST /create"], spans[f"payments-gateway: {CREATE}"]
    served, statement = spans[f"payments-server: {CREATE}"], spans["payments-server: create payments"]
    assert len(spans) == 4
    assert request.parent_span_id.hex() == parent
    assert (called.parent_span_id, served.parent_span_id) == (request.span_id, called.span_id)
    assert statement.parent_span_id == served.span_id
    kinds = [span.kind for span in (request, called, served, statement)]
    assert kinds == [Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT]
    assert "INSERT INTO payments" in attributes(statement)["db.query.text"]
    assert attributes(request)["http.route"] == "/create"


def attributes(span: Span) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}


def covered(spans: Iterable[Span]) -> set[bytes]:
    """The spans of calls that statements of creates are within or linked to."""
    made = [span for span in spans if span.name == "create payments"]
    return {span.parent_span_id for span in made} | {link.span_id for span in made for link in span.links}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_one_request_is_one_trace_down_to_the_statement(running: Stack, protocol: str) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with collector(protocol) as found, traced(running, found, protocol) as (server, gateway, rest):
        headers = traceparent(trace) | {"X-Request-Id": "traced"}
        assert rest.post("/create", body=document('{"note":"the-content"}', "77.77"), headers=headers).status_code == 200
        found.until(lambda: len(found.trace(trace)) == 4)
        spans = found.trace(trace)
        assert_one_trace_of_a_create(spans, PARENT)
        assert attributes(spans["payments-gateway: POST /create"])["payments.request_id"] == "traced"
        assert not [span for _, span in found.spans if "the-content" in str(span) or "77.77" in str(span)]
        for process in (server, gateway):  # the logs name the same trace
            process.wait_until(lambda process=process: any(line["trace_id"] == trace for line in process.requests))  # type: ignore[misc]
        assert (gateway.stop()[0], server.stop()[0]) == (0, 0)


def test_requests_that_travel_together_keep_their_traces_and_are_linked(
    service: tuple[Server, Gateway, Rest], http_collector: Collector
) -> None:
    rest = service[2]
    traces = [f"{number:032x}" for number in range(0xABC000, 0xABC000 + 48)]
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda trace: Rest(rest.url).post("/create", body=document(), headers=traceparent(trace)), traces)
        assert {answer.status_code for answer in answers} == {200}
    served = f"payments-server: {CREATE}"
    http_collector.until(lambda: all(served in http_collector.trace(trace) for trace in traces))

    calls = {http_collector.trace(trace)[served].span_id for trace in traces}
    http_collector.until(lambda: covered(span for _, span in list(http_collector.spans) if span.trace_id.hex() in traces) == calls)
    http_collector.until(lambda: all(len(http_collector.trace(trace)) >= 3 for trace in traces))


def test_a_grpc_call_without_a_trace_begins_one_and_group_commit_links(
    service: tuple[Server, Gateway, Rest], http_collector: Collector
) -> None:
    before = len(http_collector.spans)
    with grpc.insecure_channel(service[0].target) as channel:
        stub = type(service[0].payments)(channel)
        for call in [stub.CreatePayment.future(pb.CreatePaymentRequest(data="{}", payment="1"), timeout=10) for _ in range(64)]:
            call.result()
    http_collector.until(lambda: sum(span.name == CREATE for _, span in http_collector.spans[before:]) == 64)
    calls = {span.span_id for _, span in http_collector.spans[before:] if span.name == CREATE}
    http_collector.until(lambda: covered(span for _, span in http_collector.spans[before:]) == calls)
    assert all(not span.parent_span_id for _, span in http_collector.spans[before:] if span.name == CREATE)


def test_what_the_caller_does_not_record_is_not_recorded_and_a_failure_is_marked(
    service: tuple[Server, Gateway, Rest], http_collector: Collector
) -> None:
    rest = service[2]
    unrecorded, failed = "aa" * 16, "bb" * 16
    rest.post("/create", body=document(), headers=traceparent(unrecorded, "00"))
    rest.get("/get/00000000-0000-7000-8000-000000000000", headers=traceparent(failed))
    http_collector.until(lambda: len(http_collector.trace(failed)) == 4)
    spans = http_collector.trace(failed)
    assert spans["payments-gateway: payments.v1.PaymentService/GetPayment"].status.code == Status.STATUS_CODE_ERROR
    assert spans["payments-server: payments.v1.PaymentService/GetPayment"].status.code == Status.STATUS_CODE_UNSET
    assert attributes(spans["payments-server: payments.v1.PaymentService/GetPayment"])["rpc.response.status_code"] == "NOT_FOUND"
    assert not http_collector.trace(unrecorded)


def test_switched_off_nothing_of_the_sdk_is_loaded() -> None:
    for command in ("server", "gateway"):
        script = f"import sys, {command}.cli, {command}.serve; sys.exit('opentelemetry.sdk' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": "."}).returncode == 0


def test_an_environment_that_asks_for_what_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    refused = run_gateway("serve")
    assert refused.returncode == 1 and "zipkin" in refused.stderr
