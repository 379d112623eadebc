"""GET /status, /livez and /readyz: the whole service's state, and this process's own."""

from dataclasses import dataclass
from importlib.metadata import version

import grpc.aio
from google.rpc import code_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.channel import SERVICE
from gateway.transcoding import problem_response

PROBED = frozenset({"/status", "/livez", "/readyz"})  # every second, by machines
_TIMEOUT = 2.0  # seconds; a prober that waits longer has gone
_VERSION = {"Payments-Version": version("payments")}


@dataclass
class Readiness:
    """Whether this process wants requests; false while it stops."""

    ready: bool = True


def status_routes(channel: grpc.aio.Channel, readiness: Readiness) -> list[Route]:
    """`/status` asks the server, and through it the database. `/livez` and `/readyz` speak of this process alone: were they the
    database's, an outage would take every gateway out of its load balancer, which would answer in their stead."""
    health = health_pb2_grpc.HealthStub(channel)

    async def status(request: Request) -> Response:
        try:
            reply = await health.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=_TIMEOUT)
        except grpc.aio.AioRpcError:
            return _unavailable("The payments server cannot be reached, or its database does not answer.")
        if reply.status != health_pb2.HealthCheckResponse.SERVING:
            return _unavailable("The payments server's database does not answer.")
        return PlainTextResponse("ok", headers=_VERSION)

    async def livez(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(request: Request) -> Response:
        return PlainTextResponse("ok") if readiness.ready else _unavailable("This gateway is stopping.")

    return [Route("/status", status), Route("/livez", livez), Route("/readyz", readyz)]


def _unavailable(detail: str) -> Response:
    return problem_response(status_pb2.Status(code=code_pb2.UNAVAILABLE, message=detail), headers=_VERSION)
