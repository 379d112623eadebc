"""Wires the transcoder to payments: every REST route of the API comes from the proto's annotations."""

from typing import Any

import grpc.aio
from fastapi import FastAPI
from google.rpc import code_pb2, status_pb2
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.channel import DOMAIN
from gateway.coalescing import CoalescingChannel
from gateway.docs import TITLE, describe, docs_routes
from gateway.exchange import Exchanges, call_metadata, note_client
from gateway.metered_channel import MeteredChannel
from gateway.overload import InFlight
from gateway.payments import handlers
from gateway.settings import Settings
from gateway.status import Readiness, status_routes
from gateway.transcoding import JsonFormat, problem_response, transcode
from payments.v1 import annotations_pb2, payments_pb2

SERVICES = [payments_pb2.DESCRIPTOR.services_by_name["PaymentService"]]
FORMAT = JsonFormat(proto_names=True, short_enums=True, literal=annotations_pb2.json_literal)

_CODES = {404: code_pb2.NOT_FOUND, 405: code_pb2.UNIMPLEMENTED}


def create_app(settings: Settings, channel: grpc.aio.Channel, readiness: Readiness, in_flight: InFlight) -> ASGIApp:
    """The gateway as an ASGI application, calling the server through `channel`."""
    metered: Any = MeteredChannel(channel)
    app = FastAPI(title=TITLE, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    api = transcode(
        SERVICES,
        MeteredChannel(CoalescingChannel(channel)),
        format=FORMAT,
        handlers=handlers(metered),
        metadata=call_metadata,
        trailing=note_client if settings.api_keys else None,
        max_body=settings.max_body,
        timeout=settings.request_timeout,
        domain=DOMAIN,
    )
    app.router.routes += api
    others = [*status_routes(metered, readiness), *docs_routes(describe(SERVICES, FORMAT, settings.api_keys))]
    app.router.routes += others
    app.add_exception_handler(HTTPException, _problem)  # type: ignore[arg-type]  # Starlette types handlers by Exception alone
    served: ASGIApp = Shortcut(api, app, in_flight)
    if settings.cors_origins:
        served = CORSMiddleware(
            served,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-Id", "Authorization"],
            expose_headers=["ETag", "Link", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
        )
    return Exchanges(served, {route.app if isinstance(route, Mount) else route.endpoint: route.path for route in others})


class Shortcut:
    """Answers what the API's routes take without the way through FastAPI's own middleware, which costs as much as the rest of a request.

    Only these requests are counted and limited: health keeps answering.
    """

    def __init__(self, routes: list[BaseRoute], app: ASGIApp, in_flight: InFlight) -> None:
        self._routes = routes
        self._app = app
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return await self._in_flight.handle(route.handle, scope, receive, send)
        await self._app(scope, receive, send)


async def _problem(request: Request, error: HTTPException) -> Response:
    """What the router itself refuses: an unknown path, a method that a route does not have."""
    detail = "There is nothing at this path." if error.status_code == 404 else str(error.detail)
    status = status_pb2.Status(code=_CODES.get(error.status_code, code_pb2.INVALID_ARGUMENT), message=detail)
    return problem_response(status, http_status=error.status_code, headers=error.headers)
