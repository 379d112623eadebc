"""Every request and its answer: headers that hold for all, metrics, the line in the log, and a truthful 500 where the gateway failed."""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from google.rpc import code_pb2
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.channel import DOMAIN
from gateway.headers import credential_of, request_id_of, standard_headers, traceparent_of
from gateway.metrics import UNKNOWN, count_client, known_method, route_metrics
from gateway.spans import end_request_span, request_span
from gateway.status import PROBED
from gateway.transcoding import Endpoint, Refusal, problem_response
from payments.v1.metadata import CLIENT
from process import tracing
from process.access_log import AccessLog, Request
from process.metrics import exemplar
from process.settling import Settling

log = logging.getLogger("gateway")

_STATE = "payments"  # where the exchange is in a scope's state
# nginx's status for a client that has gone before its answer was whole.
_CLIENT_GONE = 499


class Exchanges:
    """Outermost ASGI middleware."""

    def __init__(self, app: ASGIApp, paths: Mapping[Any, str] | None = None) -> None:
        """`paths`: of the endpoints beside those of the transcoder, the routes' paths."""
        self._app = app
        self._paths = paths or {}
        self._ended: Settling[Exchange] = Settling(self._settle)
        self._log = AccessLog("gateway.access", int)
        self._probe_log = AccessLog("gateway.access", int, logging.DEBUG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = Exchange(scope, receive, send, self._paths)
        scope.setdefault("state", {})[_STATE] = exchange
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            log.exception("%s %s failed, %s", scope["method"], exchange.path, exchange.origin)
            if exchange.started:
                exchange.failed = True
                raise  # the server closes the connection, so that the client sees that the answer is cut
            await _internal_error(exchange.request_id)(scope, exchange.receive, exchange.send)
        finally:
            exchange.end()
            self._ended.add(exchange)

    def _settle(self, exchanges: list["Exchange"]) -> None:
        """Counts what has ended, and leaves its lines."""
        routes: dict[tuple[str, str], list[Exchange]] = {}
        for exchange in exchanges:
            routes.setdefault((exchange.request.method, exchange.request.route), []).append(exchange)
        for (method, route), answered in routes.items():
            requests = [exchange.request for exchange in answered]
            traces = [(each.request.seconds, trace) for each in answered if (trace := exemplar(each.traceparent))]
            route_metrics(method, route).ended(requests, traces)
            if route in PROBED:
                self._probe_log.write([request for request in requests if request.code == 200])
                requests = [request for request in requests if request.code != 200]
            self._log.write(requests)


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, paths: Mapping[Any, str]) -> None:
        self._scope = scope
        self._paths = paths
        self._receive = receive
        self._send = send
        self._begin = time.perf_counter()
        self._received = self._sent = 0  # bytes of the bodies
        self._status = 0
        self._whole = False  # whether the answer is
        self.failed = False  # whether the answer was begun and could not be completed
        self.request_id = request_id_of(scope)
        self.traceparent = traceparent_of(scope)
        self._span = None
        if tracing.tracer() and scope["path"] not in PROBED:
            self._span = request_span(self.traceparent, known_method(scope["method"]), self.request_id)
            self.traceparent = tracing.traceparent_within(self._span)
        self.client = ""  # whose API key the request carried, where the server has named it

    @property
    def started(self) -> bool:
        """Whether the answer is."""
        return bool(self._status)

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = message["headers"] = list(message.get("headers", ()))
            headers += standard_headers(self.request_id, headers)
            if self.client:
                count_client(self.client, self._status)
            if self._status >= 500:
                # 503 comes in floods while the database is away, and the health check says so once.
                level = logging.DEBUG if self._status == 503 else logging.WARNING
                log.log(level, "%s %s answered %d, %s", self._scope["method"], self.path, self._status, self.origin)
        else:
            self._sent += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        await self._send(message)

    def end(self) -> None:
        """Sets `request`, what is kept of it: its status is 500 for an answer that broke off, and 499 for one that its client did not wait
        for, whatever its head said."""
        code = self._status if self._whole else 500 if self.failed else _CLIENT_GONE
        route, method = self._route, known_method(self._scope["method"])
        if self._span:
            end_request_span(self._span, method, route, code)
        seconds = time.perf_counter() - self._begin
        trace = self.traceparent[3:35]
        self.request = Request(self.request_id, trace, self.client, method, route, code, seconds, self._received, self._sent)

    @property
    def _route(self) -> str:
        """The template that the path has matched; UNKNOWN for none."""
        endpoint = self._scope.get("endpoint")
        if isinstance(endpoint, Endpoint):
            return endpoint.binding.template.text
        return self._paths.get(endpoint, UNKNOWN)

    @property
    def path(self) -> str:
        """As it came, percent-encoded, so that no path can break a log line."""
        return ascii(self._scope["raw_path"])[2:-1]

    @property
    def origin(self) -> str:
        """For a log line: the request's id, and its client where the server has named one."""
        return f"request {self.request_id}{f', client {self.client}' if self.client else ''}"


def exchange_of(scope: Scope) -> Exchange:
    exchange: Exchange = scope["state"][_STATE]
    return exchange


def call_metadata(scope: Scope) -> list[tuple[str, str | bytes]]:
    """The gRPC metadata of a request: its id, the trace it belongs to where the header is well-formed, and what it shows to be let in."""
    exchange = exchange_of(scope)
    metadata: list[tuple[str, str | bytes]] = [("x-request-id", exchange.request_id)]
    if exchange.traceparent:
        metadata.append(("traceparent", exchange.traceparent))
    credential = credential_of(scope)
    if credential is not None:
        metadata.append(("authorization", credential))
    return metadata


def note_client(scope: Scope, trailing: Iterable[tuple[str, str | bytes]]) -> None:
    """Keeps the client's name with the request, if there is one in the trailing metadata of its call."""
    for name, value in trailing:
        if name == CLIENT and isinstance(value, str):
            exchange_of(scope).client = value


def _internal_error(request_id: str) -> ASGIApp:
    refusal = Refusal(f"Internal error; the log has it under request id {request_id}.", code=code_pb2.INTERNAL, reason="INTERNAL")
    return problem_response(refusal.status(DOMAIN))
