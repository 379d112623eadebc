"""What stands beside the six calls: reflection, health, and deadlines that reach the database."""

import time
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.database import Database
from tests.rpc import failed_with, failure


def test_reflection_lists_and_describes_the_service(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert {"payments.v1.PaymentService", "grpc.health.v1.Health"} <= set(database.get_services())
    described = database.FindFileContainingSymbol("payments.v1.PaymentService")
    (service,) = described.service
    assert {"CreatePayment", "GetPayment", "ListPayments", "UpdatePayment", "DeletePayment", "BatchCreatePayments"} <= {
        method.name for method in service.method
    }
    for dependency in described.dependency:
        assert database.FindFileByName(dependency).name == dependency


@pytest.mark.parametrize("service", ["", "payments.v1.PaymentService", "liveness", "readiness"])
def test_health_is_served(channel: grpc.Channel, service: str) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_an_unknown_service_is_not_found(channel: grpc.Channel) -> None:
    failed = failure(health_pb2_grpc.HealthStub(channel).Check, health_pb2.HealthCheckRequest(service="nothing"))
    assert failed.code == grpc.StatusCode.NOT_FOUND


def test_a_deadline_ends_the_statement_too(payments: PaymentServiceStub, stored: Database) -> None:
    id = payments.CreatePayment(pb.CreatePaymentRequest(data="{}", payment="1")).id
    stored.execute("BEGIN")
    try:
        stored.execute("SELECT 1 FROM payments WHERE id = %s FOR UPDATE", id)
        failed = failure(payments.UpdatePayment, pb.UpdatePaymentRequest(id=id, status=pb.STATUS_CONSUMED), timeout=1)
        assert failed.code == grpc.StatusCode.DEADLINE_EXCEEDED
        deadline = time.monotonic() + 3
        while waiting := stored.rows("SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"):
            assert time.monotonic() < deadline, waiting
            time.sleep(0.05)
    finally:
        stored.execute("ROLLBACK")
    assert payments.GetPayment(pb.GetPaymentRequest(id=id)).status == pb.STATUS_INSERTED


def test_a_flood_of_calls_is_answered_or_told_to_wait(payments: PaymentServiceStub, stored: Database) -> None:
    """gRPC's own limit would end calls with CANCELLED, which no client retries."""
    before = stored.count()
    calls = [payments.CreatePayment.future(pb.CreatePaymentRequest(data="{}", payment="1"), timeout=60) for _ in range(4000)]
    refused: list[Any] = [error for call in calls if (error := call.exception()) is not None]
    assert {error.code() for error in refused} <= {grpc.StatusCode.RESOURCE_EXHAUSTED}
    for error in refused[:1]:
        failed = failed_with(error)
        assert (failed.reason, failed.domain) == ("TOO_MANY_REQUESTS", "payments.v1")
        assert failed.retry_after
    assert stored.count() == before + len(calls) - len(refused)
