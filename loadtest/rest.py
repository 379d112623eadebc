"""Requests to the gateway over kept-alive connections: as fast as answers come, or at a rate whatever comes."""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from loadtest.answer import Answer, Malformed
from loadtest.arrival import NOT_SENT, arrive
from loadtest.window import Window, now

UNCONNECTED = "unconnected"
CLOSED = "closed"  # by the other end, before the answer was complete
MALFORMED = "malformed"
FAILED = frozenset({NOT_SENT, UNCONNECTED, CLOSED, MALFORMED})
_PATIENCE = 15.0  # seconds for answers after the window; the gateway gives up after 10
_RECONNECT = 0.05  # seconds
_AT_ONCE = 50  # connections


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """The bytes of a request; a body is JSON."""
    head = f"{method} {path} HTTP/1.1\r\nHost: payments\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


class Connection(asyncio.Protocol):
    """Carries a request at a time and tells the outcome of each."""

    def __init__(self, answered: Callable[["Connection", float, str], None]) -> None:
        """`answered` gets the connection, the begin that the request was sent with, and its outcome."""
        self._answered = answered
        self._answer = Answer()
        self._begun: float | None = None
        self.usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, begun: float, request: bytes) -> None:
        self._begun = begun
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            if self._begun is None:
                raise Malformed("answers what nobody asked")
            if not self._answer.feed(data):
                return
        except Malformed:
            self.close()
            self._tell(MALFORMED)
        else:
            if self._answer.closes:
                self.close()
            self._tell(self._answer.status)

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        self._tell(CLOSED)

    def close(self) -> None:
        self.usable = False
        self._transport.close()

    def _tell(self, outcome: str) -> None:
        if self._begun is not None:
            begun, self._begun = self._begun, None
            self._answered(self, begun, outcome)


@dataclass(frozen=True)
class _Load:
    """`requests` are sent one after another, and again from the first. `warm_up` and `seconds`: before the window, and in it."""

    host: str
    port: int
    requests: list[bytes]
    connections: int
    warm_up: float
    seconds: float


class _Traffic(ABC):
    """What both loops do: requests on connections, opened where they are needed."""

    def __init__(self, load: _Load, window: Window) -> None:
        self.load = load
        self.window = window
        self.in_flight = 0
        self.connections: set[Connection] = set()
        self.opening: set[asyncio.Task[None]] = set()
        self._requests = itertools.cycle(load.requests)

    def send(self, begun: float, connection: Connection | None) -> None:
        """On a connection that is free, else on a new one."""
        self.in_flight += 1
        self.window.begin(begun)
        if connection:
            connection.send(begun, next(self._requests))
        else:
            opening = asyncio.ensure_future(self._open(begun))
            self.opening.add(opening)
            opening.add_done_callback(self.opening.discard)

    async def _open(self, begun: float) -> None:
        try:
            connection = await self.connect()
        except OSError:
            self._end(None, begun, UNCONNECTED)
        else:
            connection.send(begun, next(self._requests))

    async def connect(self) -> Connection:
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self._end), self.load.host, self.load.port)
        self.connections.add(connection)
        return connection

    def _end(self, connection: Connection | None, begun: float, outcome: str) -> None:
        self.in_flight -= 1
        (self.window.fail if outcome in FAILED else self.window.answer)(begun, outcome)
        if connection and not connection.usable:
            self.connections.discard(connection)
            connection = None
        self.ended(connection)

    @abstractmethod
    def ended(self, connection: Connection | None) -> None:
        """A request has ended, and left a connection free, or nothing."""

    async def finish(self) -> None:
        """Waits for what is in flight, but not for ever, and closes all connections."""
        end = now() + _PATIENCE
        while self.in_flight and now() < end:
            await asyncio.sleep(0.01)
        for opening in list(self.opening):
            opening.cancel()
        for connection in list(self.connections):
            connection.close()


class ClosedLoop(_Load):
    """Each connection sends its next request when the answer to the one before has come."""

    async def run(self, window: Window) -> None:
        traffic = _Closed(self, window)
        for _ in range(self.connections):
            traffic.send(now(), None)
        await asyncio.sleep(self.warm_up)
        await window.last(self.seconds)
        traffic.stopping = True
        await traffic.finish()


class _Closed(_Traffic):
    stopping = False

    def ended(self, connection: Connection | None) -> None:
        if connection:
            self._again(connection)
        else:
            asyncio.get_running_loop().call_later(_RECONNECT, self._again, None)

    def _again(self, connection: Connection | None) -> None:
        if not self.stopping:
            self.send(now(), connection)


@dataclass(frozen=True)
class OpenLoop(_Load):
    """Requests arrive at `rate` a second, whether answers come or not.

    All `connections` are opened before, a few at a time, as proxies keep them: else a burst of handshakes, which the kernel drops and
    repeats after seconds, is what would be measured. A request that finds all of them busy is not sent, and counted as that.
    """

    rate: float

    async def run(self, window: Window) -> None:
        traffic = _Open(self, window)
        await traffic.open()
        arrivals = asyncio.ensure_future(arrive(self.rate, traffic.arrive))
        await asyncio.sleep(self.warm_up)
        await window.last(self.seconds)
        arrivals.cancel()
        await traffic.finish()


class _Open(_Traffic):
    def __init__(self, load: OpenLoop, window: Window) -> None:
        super().__init__(load, window)
        self._free: list[Connection] = []

    async def open(self) -> None:
        while len(self._free) < self.load.connections:
            opening = [self.connect() for _ in range(min(_AT_ONCE, self.load.connections - len(self._free)))]
            self._free += await asyncio.gather(*opening)

    def arrive(self, due: float) -> None:
        while self._free:
            connection = self._free.pop()
            if connection.usable:
                self.send(due, connection)
                return
            self.connections.discard(connection)
        if len(self.connections) + len(self.opening) < self.load.connections:
            self.send(due, None)
        else:
            self.window.begin(due)
            self.window.fail(due, NOT_SENT)

    def ended(self, connection: Connection | None) -> None:
        if connection:
            self._free.append(connection)
