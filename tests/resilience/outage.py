"""What the service says while its database is away."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import psutil
from grpc_health.v1 import health_pb2

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.resilience.stage import SERVICE, Stage, until
from tests.rpc import failure

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
FAST = 2.0  # seconds for a refusal: the gateway repeats for a quarter of one, and machines may be busy
NOTICED = 5.0  # seconds until health tells
MOST_GROWTH = 48 << 20  # bytes of one process during a fault


def assert_told(stage: Stage) -> None:
    """Health tells of the database, the probes of the processes alone, and requests fail at once with a hint."""
    until(lambda: stage.health() == NOT_SERVING, "health tells", NOTICED)
    until(lambda: stage.get("/status")[0] == 503, "/status tells", NOTICED)
    assert stage.health("liveness") == stage.health("readiness") == SERVING
    assert [stage.get(path)[0] for path in ("/livez", "/readyz")] == [200, 200]
    begin = time.monotonic()
    status, headers, body = stage.try_create()
    took = time.monotonic() - begin
    assert (status, headers["Content-Type"]) == (503, "application/problem+json"), body
    assert int(headers["Retry-After"]) >= 1 and json.loads(body)["code"] == "UNAVAILABLE"
    assert took < FAST, f"refused after {took:.1f} s"
    _assert_internal_clients_told(stage)


def _assert_internal_clients_told(stage: Stage) -> None:
    """Internal clients, those that go by the service's health and those that do not, are not kept waiting either."""
    by_health = json.dumps({"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": SERVICE}})
    for config in (by_health, "{}"):
        options = [("grpc.service_config", config), ("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(stage.server_addresses[0], options=options) as channel:
            begin = time.monotonic()
            failed = failure(PaymentServiceStub(channel).CreatePayment, pb.CreatePaymentRequest(data="{}", payment="1"))
            took = time.monotonic() - begin
        assert failed.code is grpc.StatusCode.UNAVAILABLE, failed
        assert took < FAST, f"refused after {took:.1f} s"


@contextmanager
def flat_memory(stage: Stage) -> Iterator[None]:
    """No process of ours grows by more than MOST_GROWTH while the context lasts."""
    processes = [psutil.Process(command.pid) for command in (*stage.servers, *stage.gateways)]
    before = [process.memory_info().rss for process in processes]
    yield
    grown = [process.memory_info().rss - rss for process, rss in zip(processes, before, strict=True)]
    assert max(grown) < MOST_GROWTH, f"processes grew by {[growth >> 20 for growth in grown]} MiB"
