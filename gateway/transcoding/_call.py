"""One call of an RPC on behalf of one HTTP request."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import grpc.aio
from google.protobuf.message import Message
from google.rpc import code_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from gateway.transcoding._stream import StreamedResponse, unless_gone
from gateway.transcoding.problem import RpcFailed

log = logging.getLogger(__name__)

# What can be asked again: the work behind it is stopped when nobody waits for it. A write goes on to its end.
_SAFE = frozenset({"GET", "HEAD"})

# Is told the trailing metadata of a request's call.
Trailing = Callable[[Scope, Iterable[tuple[str, str | bytes]]], None]


class Channel(Protocol):
    """What of grpc.aio.Channel a transcoder needs."""

    def unary_unary(self, method: str, **serializers: Any) -> Callable[..., Any]: ...

    def unary_stream(self, method: str, **serializers: Any) -> Callable[..., Any]: ...


@dataclass(frozen=True)
class Rpc:
    """A method as the channel calls it."""

    invoke: Callable[..., Any]
    # The body of the answer: the reply, or the field of it that response_body names.
    encode: Callable[[Message], bytes]
    # Seconds: of a unary call, or until the first message of a stream.
    timeout: float | None


class Call:
    """What a handler gets: the request as HTTP had it and the message made of it, which it may change before it invokes the RPC."""

    def __init__(
        self,
        rpc: Rpc,
        scope: Scope,
        receive: Receive,
        message: Any,
        metadata: list[tuple[str, str | bytes]],
        trailing: Trailing | None = None,
    ) -> None:
        self._rpc = rpc
        self._scope = scope
        self._receive = receive
        self._request: Request | None = None
        self.message = message
        # gRPC metadata that the call will carry.
        self.metadata = metadata
        self._trailing = trailing

    @property
    def request(self) -> Request:
        """The HTTP request; its body has been read."""
        if self._request is None:
            self._request = Request(self._scope, self._receive)
        return self._request

    def header(self, name: bytes) -> list[str]:
        """The values of a request header, one for each line that has it. `name`: in lower case."""
        return [value.decode("latin-1") for key, value in self._scope["headers"] if key == name]

    async def invoke(self, instead: Callable[..., Any] | None = None) -> Any:
        """Calls the RPC with message and metadata as they are now; may be called again. Raises RpcFailed.

        `instead`: another method that takes the same message, as a channel gives it.
        """
        call = (instead or self._rpc.invoke)(self.message, timeout=self._rpc.timeout, metadata=self.metadata)
        try:
            # Of a call that cannot be stopped it makes no difference whether anybody waits for it.
            stoppable = self._scope["method"] in _SAFE and hasattr(call, "cancel")
            reply = await (unless_gone(call, call.cancel, self._receive) if stoppable else call)
        except grpc.aio.AioRpcError as error:
            await self._tell(call)
            raise RpcFailed.of(error) from error
        except RpcFailed:
            await self._tell(call)
            raise
        await self._tell(call)
        return reply

    async def _tell(self, call: Any) -> None:
        if self._trailing is not None:
            self._trailing(self._scope, await call.trailing_metadata())

    def encode(self, reply: Message) -> bytes:
        """The JSON that the answer's body is made of. Raises RpcFailed for a reply that has no JSON form."""
        try:
            return self._rpc.encode(reply)
        except ValueError as error:
            log.exception("%s has no JSON form", reply.DESCRIPTOR.full_name)
            raise RpcFailed.with_code(code_pb2.INTERNAL) from error

    def render(self, reply: Message, headers: Mapping[str, str] | None = None) -> Response:
        """200 with the reply as JSON."""
        return _Json(self.encode(reply), headers)

    async def stream(self) -> Response:
        """Calls a server-streaming RPC: newline-delimited JSON, a message a line. Raises RpcFailed for what fails before the first."""
        call = self._rpc.invoke(self.message, metadata=self.metadata)
        try:
            async with asyncio.timeout(self._rpc.timeout):
                first = await unless_gone(call.read(), call.cancel, self._receive)
        except TimeoutError:
            call.cancel()
            raise RpcFailed.with_code(code_pb2.DEADLINE_EXCEEDED) from None
        except grpc.aio.AioRpcError as error:
            raise RpcFailed.of(error) from error
        if self._scope["method"] == "HEAD":
            call.cancel()
        return StreamedResponse(self._lines(call, first), "application/x-ndjson")

    async def _lines(self, call: Any, message: Any) -> AsyncGenerator[bytes, None]:
        try:
            while message is not grpc.aio.EOF:
                yield self.encode(message) + b"\n"
                message = await call.read()
        except grpc.aio.AioRpcError as error:
            raise RpcFailed.of(error) from error
        finally:
            call.cancel()


# Answers one call of a unary method.
Handler = Callable[[Call], Awaitable[Response]]


async def answer(call: Call) -> Response:
    """The handler of a method that has none of its own."""
    return call.render(await call.invoke())


class _Json(Response):
    """Of what Starlette's own response does, on the path of every request, only the part that is needed."""

    def __init__(self, body: bytes, headers: Mapping[str, str] | None) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if headers:
            self.raw_headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
