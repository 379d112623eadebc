"""What the metrics ports tell of real requests, and that nobody outside can make more series."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator

import grpc
import psycopg2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from local.stack import Stack, stack, temporary_folder
from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from process.tests.running_process import scrape
from tests.rest import Rest

ODD = 1000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PAYMENTS = 'grpc_service="payments.v1.PaymentService",grpc_type="unary"'

Samples = dict[str, float]


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that nobody else calls."""
    with temporary_folder() as folder, stack(folder) as started:
        yield started


@pytest.fixture
def api(own: Stack) -> Rest:
    return Rest(own.rest_url)


def samples(port: int) -> Samples:
    """By name and labels, these in the order of the alphabet."""
    found = {}
    for family in text_string_to_metric_families(scrape(port)):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def gained(own: Stack, port: int, do: Callable[[], object]) -> Samples:
    """What counters and histograms have gained by it, and by a look at health: an answer is counted two turns of the event loop after it has
    left, and by the time a later one comes that has happened."""
    before = samples(port)
    do()
    assert Rest(own.rest_url).get("/livez").status_code == 200
    with grpc.insecure_channel(own.grpc_target) as channel:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    after = samples(port)
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def stored_lock(own: Stack) -> Iterator[Callable[[str], None]]:
    """Locks a payment until the test ends."""
    connection = psycopg2.connect(own.database_url)

    def lock(id: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM payments WHERE id = %s FOR UPDATE", (id,))

    yield lock
    connection.close()


def series(port: int) -> int:
    return sum(not line.startswith("#") for line in scrape(port).splitlines())


def test_a_request_counts_by_its_route_with_its_bytes_and_the_calls_behind_it(own: Stack, api: Rest) -> None:
    body = '{"data":{"order":17},"payment":1.50}'
    answers = []
    found = gained(own, own.ports.gateway_metrics, lambda: answers.append(api.post("/create", body=body)))
    route = 'method="POST",route="/create"'
    assert found[f'http_requests_total{{code="200",{route}}}'] == 1
    assert found[f"http_request_duration_seconds_count{{{route}}}"] == 1
    assert found[f"http_request_size_bytes_sum{{{route}}}"] == len(body)
    assert found[f"http_response_size_bytes_sum{{{route}}}"] == len(answers[0].content)
    method = f'grpc_method="CreatePayment",{PAYMENTS}'
    assert found[f"grpc_client_started_total{{{method}}}"] == 1
    assert found[f'grpc_client_handled_total{{grpc_code="OK",{method}}}'] == 1
    assert found[f"grpc_client_handling_seconds_count{{{method}}}"] == 1
    assert found['payments_gateway_group_size_count{grpc_method="CreatePayment"}'] == 1


def test_payments_count_by_what_became_of_them(own: Stack, api: Rest) -> None:
    def use() -> None:
        first, second = api.create(key="once"), api.create()
        assert api.create(key="once")["id"] == first["id"]
        for _ in range(2):
            api.put(f"/update/{first['id']}", value={"status": "consumed"})
        api.put(f"/update/{second['id']}", value={"status": "inserted"})
        api.delete(f"/delete/{second['id']}")
        api.delete(f"/delete/{second['id']}")

    found = gained(own, own.ports.server_metrics, use)
    assert {name: found[name] for name in found if name.startswith(("payments_created", "payments_consumed", "payments_deleted"))} == {
        "payments_created_total": 2,
        "payments_consumed_total": 1,
        "payments_deleted_total": 1,
    }
    assert found['payments_database_statement_seconds_count{statement="create_keyed"}'] == 2
    assert found['payments_database_group_size_sum{statement="update"}'] == 3
    deletes = f'grpc_method="DeletePayment",{PAYMENTS}'
    assert found[f'grpc_server_handled_total{{grpc_code="OK",{deletes}}}'] == 1
    assert found[f'grpc_server_handled_total{{grpc_code="NOT_FOUND",{deletes}}}'] == 1


def test_calls_that_travel_together_count_each_for_itself(own: Stack, api: Rest) -> None:
    def batch() -> None:
        with grpc.insecure_channel(own.grpc_target) as channel:
            stub = PaymentServiceStub(channel)
            calls = [stub.CreatePayment.future(pb.CreatePaymentRequest(data="{}", payment="1"), timeout=10) for _ in range(200)]
            assert all(call.result().id for call in calls)

    found = gained(own, own.ports.server_metrics, batch)
    method = f'grpc_method="CreatePayment",{PAYMENTS}'
    assert found[f"grpc_server_started_total{{{method}}}"] == 200
    assert found[f'grpc_server_handled_total{{grpc_code="OK",{method}}}'] == 200
    assert found[f"grpc_server_handling_seconds_count{{{method}}}"] == 200
    assert found['payments_database_group_size_sum{statement="create"}'] == 200
    assert found['payments_database_group_size_count{statement="create"}'] < 200


def test_a_cancelled_call_counts_as_cancelled(own: Stack, stored_lock: Callable[[str], None], api: Rest) -> None:
    id = api.create()["id"]
    stored_lock(id)
    method = f'grpc_method="UpdatePayment",{PAYMENTS}'

    def cancel() -> None:
        with grpc.insecure_channel(own.grpc_target) as channel:
            call = PaymentServiceStub(channel).UpdatePayment.future(pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=10)
            until(lambda: samples(own.ports.server_metrics)[f"grpc_server_started_total{{{method}}}"] > started)
            call.cancel()
            until(lambda: samples(own.ports.server_metrics)[f'grpc_server_handled_total{{grpc_code="CANCELLED",{method}}}'] > cancelled)

    before = samples(own.ports.server_metrics)
    started, cancelled = (
        before[f"grpc_server_started_total{{{method}}}"],
        before[f'grpc_server_handled_total{{grpc_code="CANCELLED",{method}}}'],
    )
    assert gained(own, own.ports.server_metrics, cancel)[f'grpc_server_handled_total{{grpc_code="CANCELLED",{method}}}'] == 1


def test_a_streamed_list_counts_once_with_all_of_its_bytes(own: Stack, api: Rest) -> None:
    api.create_many(1500)
    answers = []
    found = gained(own, own.ports.gateway_metrics, lambda: answers.append(api.get("/list")))
    assert found['http_requests_total{code="200",method="GET",route="/list"}'] == 1
    assert found['http_response_size_bytes_sum{method="GET",route="/list"}'] == len(answers[0].content)
    pages = 'grpc_code="OK",grpc_method="ListPaymentsJson",grpc_service="payments.v1.ListingService",grpc_type="unary"'
    assert found[f"grpc_client_handled_total{{{pages}}}"] >= 2


def test_odd_paths_methods_and_ids_make_no_series_of_their_own(own: Stack, api: Rest) -> None:
    def odd(number: int) -> None:
        api.get(f"/odd/{number}")
        api.get(f"/get/{number}")
        api.request(["BREW", "LOCK", "PROPFIND", "PURGE"][number % 4], f"/get/{number}")
        api.post("/create", body=f'{{"odd{number}": 1}}', headers={"X-Request-Id": f"id-{number}", "traceparent": f"odd-{number}"})
        channel.unary_unary(f"/odd.Service{number}/Method")(b"", timeout=10, wait_for_ready=True)

    with grpc.insecure_channel(own.grpc_target) as channel:

        def send(numbers: range) -> None:
            for number in numbers:
                with pytest.raises(grpc.RpcError) as error:
                    odd(number)
                assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED

        send(range(4))
        before = series(own.ports.gateway_metrics), series(own.ports.server_metrics)
        found = gained(own, own.ports.server_metrics, lambda: send(range(ODD)))
    assert (series(own.ports.gateway_metrics), series(own.ports.server_metrics)) == before
    unknown = 'grpc_method="unknown",grpc_service="unknown",grpc_type="unary"'
    assert found[f'grpc_server_handled_total{{grpc_code="UNIMPLEMENTED",{unknown}}}'] == ODD
    assert samples(own.ports.gateway_metrics)['http_requests_total{code="404",method="GET",route="unknown"}'] >= ODD


def test_a_stream_of_health_counts_while_it_lasts_and_when_it_ends(own: Stack) -> None:
    labels = 'grpc_method="Watch",grpc_service="grpc.health.v1.Health",grpc_type="server_stream"'
    with grpc.insecure_channel(own.grpc_target) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
        before = samples(own.ports.server_metrics)
        next(watch)
        watch.cancel()
    ended = f'grpc_server_handled_total{{grpc_code="CANCELLED",{labels}}}'
    until(lambda: samples(own.ports.server_metrics)[ended] > before[ended])


def test_the_gauges_tell_of_the_pool_the_limits_and_the_database(own: Stack) -> None:
    served, answered = samples(own.ports.server_metrics), samples(own.ports.gateway_metrics)
    assert served["payments_database_up"] == 1
    assert served['payments_database_connections_max{pool="service"}'] == 8
    assert served['payments_database_connections{pool="service",state="idle"}'] >= 1
    assert served["payments_server_in_flight_calls_limit"] == answered["payments_gateway_in_flight_requests_limit"] == 1024
    assert [name for name in served if name.startswith("payments_build_info{")]
    assert served["asyncio_event_loop_lag_seconds_count"] > 0 and answered["asyncio_event_loop_lag_seconds_count"] > 0


def test_openmetrics_has_the_trace_of_a_request_as_an_exemplar(own: Stack, api: Rest) -> None:
    api.post("/create", body='{"data":{},"payment":1}', headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    api.post("/create", body='{"data":{},"payment":1}', headers={"traceparent": f"00-{'ab' * 16}-00f067aa0ba902b7-00"})
    for port, name in (
        (own.ports.gateway_metrics, "http_request_duration_seconds"),
        (own.ports.server_metrics, "grpc_server_handling_seconds"),
    ):
        text = scrape(port, "application/openmetrics-text; version=1.0.0")
        assert any(line.startswith(f"{name}_bucket") and f'# {{trace_id="{TRACE}"}}' in line for line in text.splitlines())
        assert "abababab" not in text  # not recorded
        assert TRACE not in scrape(port)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool, of Debian's package prometheus, is not installed")
def test_promtool_has_nothing_to_say(own: Stack) -> None:
    for port in (own.ports.server_metrics, own.ports.gateway_metrics):
        checked = subprocess.run(["promtool", "check", "metrics"], input=scrape(port), capture_output=True, text=True)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
