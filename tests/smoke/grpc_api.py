"""gRPC: health, each call, and what it says to those who ask wrongly."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from tests.rpc import failed_with
from tests.smoke.check import Check, Clock, Failed, NotAsked, expect
from tests.smoke.own import Own

GROUP = "gRPC"
SERVICE = "payments.v1.PaymentService"


@dataclass
class Grpc:
    """A client. `target`: HOST:PORT, nothing where gRPC is not reached from here. `secure`: whether it has TLS."""

    target: str
    secure: bool
    key: str
    ca: str
    own: Own
    clock: Clock

    def __post_init__(self) -> None:
        self.channel = self._channel() if self.target else None

    def _channel(self) -> grpc.Channel:
        options = [("grpc.enable_http_proxy", 0)]
        if not self.secure:
            return grpc.insecure_channel(self.target, options)
        authorities = None
        if self.ca:
            with open(self.ca, "rb") as file:
                authorities = file.read()
        return grpc.secure_channel(self.target, grpc.ssl_channel_credentials(authorities), options)

    def close(self) -> None:
        if self.channel:
            self.channel.close()

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.key}"),) if self.key else ()

    @property
    def stub(self) -> PaymentServiceStub:
        if not self.channel:
            raise NotAsked("no address of gRPC was given")
        return PaymentServiceStub(self.channel)

    def call(self, method: Any, request: Any) -> Any:
        """Raises Failed."""
        try:
            return method(request, timeout=self.clock.patience(), metadata=self.metadata)
        except grpc.RpcError as error:
            failure = failed_with(error)
            raise Failed(f"{type(request).__name__}: {failure.code.name} {failure.message}") from error

    @contextlib.contextmanager
    def refused(self, code: grpc.StatusCode, reason: str = "") -> Iterator[None]:
        """A call in it has to fail with the code."""
        try:
            yield
        except Failed as error:
            failure = failed_with(error.__cause__)
            right = failure.code is code and reason in ("", failure.reason)
            expect(right, f"{error} {failure.reason}, where {code.name} {reason} is right")
        else:
            raise Failed(f"answered, where {code.name} {reason} is right")

    def create(self) -> pb.Payment:
        stub, key = self.stub, self.own.key()
        payment: pb.Payment = self.call(
            stub.CreatePayment, pb.CreatePaymentRequest(data=self.own.data(key), payment="0.01", request_id=key)
        )
        self.own.made(key, payment.id)
        expect(json.loads(payment.data) == json.loads(self.own.data(key)), f"the payment is {payment}")
        return payment

    def checks(self) -> list[Check]:
        named = {
            "health": self.health,
            "CreatePayment": self.creates,
            "BatchCreatePayments": self.batch,
            "GetPayment": self.gets,
            "ListPayments": self.lists,
            "UpdatePayment": self.updates,
            "DeletePayment": self.deletes,
            "INVALID_ARGUMENT, NOT_FOUND": self.refusals,
            "UNAUTHENTICATED without an API key": self.asks_for_keys,
        }
        return [Check(GROUP, name, run) for name, run in named.items()]

    def health(self) -> str:
        if not self.channel:
            raise NotAsked("no address of gRPC was given")
        answer = self.call(health_pb2_grpc.HealthStub(self.channel).Check, health_pb2.HealthCheckRequest(service=SERVICE))
        name = str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
        expect(name == "SERVING", f"health of {SERVICE} is {name}")
        return name

    def creates(self) -> str:
        payment = self.create()
        expect((payment.status, payment.payment, payment.etag) == (pb.STATUS_INSERTED, "0.01", "1"), f"the payment is {payment}")
        return payment.id

    def batch(self) -> str:
        stub, keys = self.stub, [self.own.key() for _ in range(2)]
        requests = [pb.CreatePaymentRequest(data=self.own.data(key), payment="0.01", request_id=key) for key in keys]
        results = self.call(stub.BatchCreatePayments, pb.BatchCreatePaymentsRequest(requests=requests)).results
        for key, result in zip(keys, results, strict=False):
            self.own.made(key, result.payment.id)
        expect([result.HasField("payment") for result in results] == [True, True], f"two items are answered with {results}")
        return "two created"

    def gets(self) -> str:
        payment = self.create()
        found = self.call(self.stub.GetPayment, pb.GetPaymentRequest(id=payment.id))
        expect(found == payment, f"created as {payment}, it is {found}")
        return "as created"

    def lists(self) -> str:
        self.create()
        page = self.call(self.stub.ListPayments, pb.ListPaymentsRequest(page_size=2)).payments
        expect(1 <= len(page) <= 2, f"a page of two has {len(page)}")
        return f"a page of {len(page)}"

    def updates(self) -> str:
        payment = self.create()
        request = pb.UpdatePaymentRequest(id=payment.id, status=pb.STATUS_CONSUMED, etag="1")
        consumed = self.call(self.stub.UpdatePayment, request)
        expect((consumed.status, consumed.etag) == (pb.STATUS_CONSUMED, "2"), f"consumed, it is {consumed}")
        with self.refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
            self.call(self.stub.UpdatePayment, request)
        found = self.call(self.stub.GetPayment, pb.GetPaymentRequest(id=payment.id))
        expect(found == consumed, f"consumed, it is read as {found}")
        return "consumed once; ABORTED the second time"

    def deletes(self) -> str:
        payment = self.create()
        self.call(self.stub.DeletePayment, pb.DeletePaymentRequest(id=payment.id))
        with self.refused(grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND"):
            self.call(self.stub.GetPayment, pb.GetPaymentRequest(id=payment.id))
        self.own.removed(payment.id)
        return "gone"

    def refusals(self) -> str:
        stub = self.stub
        with self.refused(grpc.StatusCode.INVALID_ARGUMENT):
            self.call(stub.CreatePayment, pb.CreatePaymentRequest(data="{}", payment="1.234"))
        with self.refused(grpc.StatusCode.INVALID_ARGUMENT):
            self.call(stub.GetPayment, pb.GetPaymentRequest(id="1"))
        with self.refused(grpc.StatusCode.NOT_FOUND):
            self.call(stub.GetPayment, pb.GetPaymentRequest(id=str(uuid.UUID(int=7 << 76))))
        return "told"

    def asks_for_keys(self) -> str:
        if not self.key:
            raise NotAsked("no API key was given")
        stub = self.stub
        try:
            stub.ListPayments(pb.ListPaymentsRequest(page_size=1), timeout=self.clock.patience())
        except grpc.RpcError as error:
            expect(failed_with(error).code is grpc.StatusCode.UNAUTHENTICATED, f"without a key: {error}")
            return "refused"
        raise Failed("answered without a key")
