"""How long the gateway waits for a client: to send a request whole, and to take its answer. uvicorn waits for ever."""

import asyncio
from collections.abc import Callable

from google.rpc import code_pb2
from starlette.responses import Response

from gateway.channel import DOMAIN
from gateway.headers import new_request_id, standard_headers
from gateway.metrics import REFUSED
from gateway.transcoding import Refusal, problem_response


class Timer:
    """One timeout at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, expire: Callable[[], object]) -> None:
        """Goes on where it has been started already."""
        if self._handle is None:
            self._handle = self._loop.call_later(seconds, expire)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


def request_timeout() -> bytes:
    """An answer in bytes (RFC 9110, section 15.5.9), for a connection that is closed after it."""
    REFUSED.labels("request_timeout").inc()
    refusal = Refusal("The request did not come whole in time.", code=code_pb2.DEADLINE_EXCEEDED, reason="REQUEST_TIMEOUT", http_status=408)
    return _rendered(b"408 Request Timeout", problem_response(refusal.status(DOMAIN), 408))


def too_many_connections() -> bytes:
    REFUSED.labels("too_many_connections").inc()
    refusal = Refusal("Too many connections are open.", code=code_pb2.UNAVAILABLE, reason="TOO_MANY_CONNECTIONS")
    return _rendered(b"503 Service Unavailable", problem_response(refusal.status(DOMAIN)))


def _rendered(status: bytes, answer: Response) -> bytes:
    """With the headers that every answer has."""
    headers = [*answer.raw_headers, *standard_headers(new_request_id(), ()), (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 %s\r\n%s\r\n%s" % (status, lines, bytes(answer.body))
