"""What stands beside the six calls: reflection, health, and deadlines that reach the database."""

import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.database import Database
from tests.rpc import failure


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


def test_a_call_that_was_given_no_time_changes_nothing(payments: PaymentServiceStub, stored: Database) -> None:
    before = stored.count()
    failed = failure(payments.CreatePayment, pb.CreatePaymentRequest(data="{}", payment="1"), timeout=0)
    assert failed.code == grpc.StatusCode.DEADLINE_EXCEEDED
    time.sleep(0.2)
    assert stored.count() == before


def test_a_burst_of_calls_is_answered_each(payments: PaymentServiceStub, stored: Database) -> None:
    before = stored.count()
    calls = [payments.CreatePayment.future(pb.CreatePaymentRequest(data="{}", payment=f"{n}.00"), timeout=30) for n in range(300)]
    answered, refused = 0, 0
    for n, call in enumerate(calls):
        error = call.exception()
        if error is None:
            assert call.result().payment == f"{n}.00"
            answered += 1
        else:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
            refused += 1
    assert stored.count() == before + answered
    assert answered > 0
