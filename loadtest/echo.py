"""What gRPC in Python takes by itself: a server that answers each call with the same payment, and does nothing else.

There are two of it: one of grpc.aio, and one of server.transport, which Payments is served by.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
import psutil
import uvloop

from loadtest import rpc
from loadtest.cost import cpu_seconds
from loadtest.generator import generate
from loadtest.scenario import CHANNELS, CREATE_MESSAGE, CREATE_METHOD, WARM_UP
from loadtest.stored import DATA, PAYMENT
from local.stack import HOST
from payments.v1 import payments_pb2
from process.collector import settle_collector
from server.transport import Server

_IN_FLIGHT = 64
SERVERS: dict[str, Callable[[], Any]] = {"grpc.aio": grpc.aio.server, "server.transport": Server}


@dataclass(frozen=True)
class Echo:
    """Calls a second, and the server's CPU microseconds a call."""

    rate: float
    cpu: float


def measure_echo(server: str, seconds: float) -> Echo:
    """`server`: a name of SERVERS. Raises GeneratorFailed."""
    with _served(server) as (port, process):
        cost = _Cost(process)
        load = rpc.ClosedLoop(f"{HOST}:{port}", CREATE_METHOD, CREATE_MESSAGE, CHANNELS, _IN_FLIGHT, WARM_UP, seconds)
        answers = generate(load, cost)
    return Echo(answers.rate, cost.seconds * 1e6 / max(1, answers.answered))


@contextlib.contextmanager
def _served(server: str) -> Iterator[tuple[int, psutil.Process]]:
    with subprocess.Popen([sys.executable, "-m", "loadtest.echo", server], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline()), psutil.Process(process.pid)
        finally:
            process.terminate()


class _Cost:
    """An observer of a load: the CPU seconds that a process takes in the window."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.seconds = 0.0

    def begin(self) -> None:
        self.seconds = -cpu_seconds(self._process)

    def sample(self) -> None:
        """Nothing changes that needs to be looked at."""

    def end(self) -> None:
        self.seconds += cpu_seconds(self._process)


async def _serve(server: Any) -> None:
    service, method = CREATE_METHOD.strip("/").split("/")
    answer = payments_pb2.Payment(
        id="01890a5d-ac96-774b-bcce-b302099a8057", status=payments_pb2.STATUS_INSERTED, data=DATA, payment=PAYMENT, etag="1"
    )

    async def handle(request: payments_pb2.CreatePaymentRequest, context: object) -> payments_pb2.Payment:
        return answer

    handler = grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=payments_pb2.CreatePaymentRequest.FromString,
        response_serializer=payments_pb2.Payment.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_secure_port(f"{HOST}:0", grpc.insecure_server_credentials())
    await server.start()
    settle_collector()
    print(port, flush=True)
    await asyncio.Event().wait()  # until it is terminated


async def _main(name: str) -> None:
    await _serve(SERVERS[name]())


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
