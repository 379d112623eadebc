"""`payments-server` as a process."""

import os
import subprocess
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from payments.v1 import payments_pb2 as pb
from payments.v1.payments_pb2_grpc import PaymentServiceStub
from process.tests.running_process import RunningProcess

ANY = "127.0.0.1:0"
COMMAND = Path(sys.executable).with_name("payments-server")


class Server(RunningProcess):
    """`payments-server serve` on free ports, and a channel to it, once it listens."""

    def __init__(self, url: str, *options: str, **variables: str) -> None:
        command = [str(COMMAND), "serve", "--listen", ANY, "--metrics-listen", ANY, *options]
        super().__init__(command, variables | {"DATABASE_URL": url})
        try:
            self.target = self.line(r"gRPC listening on (\S+)")[1]
        except BaseException:
            super().close()
            raise
        self.channel = grpc.insecure_channel(self.target)
        self.payments = PaymentServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    def serving(self, service: str) -> bool:
        answer = self.health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def wait_until_serving(self) -> None:
        self.wait_until(lambda: self.serving(""))

    def close(self) -> None:
        self.channel.close()
        super().close()


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`payments-server` with these arguments, to its end."""
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run([COMMAND, *arguments], env=inherited | environment, capture_output=True, text=True, timeout=30)


def create(payments: PaymentServiceStub) -> pb.Payment:
    return payments.CreatePayment(pb.CreatePaymentRequest(data="{}", payment="1"), timeout=10)
