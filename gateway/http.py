"""uvicorn's HTTP/1.1, with bounds on a request's head and on a client's time, and one system call for an answer where it makes two."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Sized
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.limits import Limits
from gateway.patience import Timer, request_timeout, too_many_connections
from gateway.unparsable import refusal
from process.waiting import Waiting

_RESET = struct.pack("ii", 1, 0)  # as struct linger: on, no seconds


class Protocol(HttpToolsProtocol):
    """To be given to uvicorn as `http`, with the limits, and what all connections share of them, bound."""

    _head = 0  # bytes of the head so far
    _in_head = True
    _unused = 0  # bytes read since the last that were of use: the parser keeps a line to itself until it is whole
    _too_large = False
    _whole = False  # whether the last request has come to its end, and nothing after it

    def __init__(self, *, limits: Limits, unread: Waiting, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._limits = limits
        self._unread = unread
        self._receiving = Timer(self.loop)
        self._sending = Timer(self.loop)
        self._application = self.app
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A pipelined request is answered when the answer to the one before has left, and not to wait for it here."""
        if self.flow.write_paused:
            await self.flow.drain()
        await self._application(scope, receive, send)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]  # a transport by what it does
        self.flow = _Flow(self.transport, self.pipeline)
        # Each byte that the client has not room for counts and is timed, not only those beyond 64 KiB.
        transport.set_write_buffer_limits(high=0)
        self._abort = self.transport.abort
        if len(self.connections) > self._limits.connections:
            self.transport.write(too_many_connections())
            self.transport.close()
        else:
            self._receiving.start(self._limits.receive, self._received_too_little)

    def connection_lost(self, exc: Exception | None) -> None:
        self._receiving.stop()
        self._sending.stop()
        self._unread.end(self._abort)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # refused already
        self._whole = False
        self._unused += len(data)
        super().data_received(data)
        # Here and not where the parser begins: most requests come in one piece, and need no timer.
        if self._whole:
            self._receiving.stop()
        else:
            self._receiving.start(self._limits.receive, self._received_too_little)
        if self._unused > self._limits.head and not self.transport.is_closing():
            self._too_large = True
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._in_head, self._whole = 0, True, False

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer, which must not be merged into the header section (RFC 9110, section 6.5.1)
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_head, self._unused = False, 0
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ValueError("HTTP/0.9, which the parser takes")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unused, self._whole = 0, True
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._sending.start(self._limits.send, self._abort)
        self._unread.begin(self._abort, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._sending.stop()
        self._unread.end(self._abort)
        super().resume_writing()

    def _received_too_little(self) -> None:
        """A request that has begun is told; a connection that has said nothing is closed without a word."""
        cycle = self.cycle
        open = cycle is not None and not cycle.response_complete
        if open:
            cycle.disconnected = True  # the application sees its client gone, and gives up
            cycle.message_event.set()
        if (open and not cycle.response_started) or (not open and self.scope is not None):
            self.transport.write(request_timeout())
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > self._limits.head or len(self.headers) > self._limits.fields:
            self._too_large = True
            raise ValueError("too large a head")  # which the parser turns into an error of its own

    def send_400_response(self, msg: str) -> None:
        """What follows cannot be told apart any more, so the connection ends; what came before it and is whole is answered first."""
        if self.cycle is not None and not self.cycle.response_complete:
            if not self.cycle.more_body:
                self.cycle.keep_alive = False
                return
            if self.cycle.response_started or self.pipeline:
                self.transport.close()  # an answer now would be taken for that of an earlier request
                return
        self.transport.write(refusal(431 if self._too_large else 400))
        self.transport.close()


class _Flow(FlowControl):
    """Reads no more while requests wait for their turn.

    uvicorn reads on after each answer, however many requests wait: a client that sends them faster than they are answered, or never takes
    an answer, would fill the memory by one connection.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class _Gathering:
    """A transport on which what is written in one turn of the event loop leaves together.

    uvicorn writes the head of an answer and its body one after the other. On loopback the second system call was a tenth of all that a
    small answer costs, and across a network it is a second packet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """With a reset, so that the kernel forgets what the client has not taken either."""
        self._held.clear()
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _flush(self) -> None:
        if self._held and not self._transport.is_closing():  # the client may have gone since
            self._transport.write(b"".join(self._held))
        self._held.clear()

    def __getattr__(self, name: str) -> Any:
        """What else a transport does."""
        return getattr(self._transport, name)
