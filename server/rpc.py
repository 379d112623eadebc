"""What every call passes through: decoding, the limit on calls in flight, the deadline, errors, metrics."""

import asyncio
import time
from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2
from prometheus_client import Counter, Histogram

from process.deadlines import Deadlines
from server.errors import Failure, deadline_exceeded, too_many_requests, unexpected

Behaviour = Callable[..., Awaitable[Message]]

# Seconds. Refusing a call costs the most part of answering it. A refusal that is held back holds its caller back, whether the caller heeds
# the RetryInfo or not, and costs nothing meanwhile. The gateway holds its own callers.
HOLD = 1.0

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_STARTED = Counter("grpc_server_started", "Calls begun.", ["grpc_service", "grpc_method", "grpc_type"])
_HANDLED = Counter("grpc_server_handled", "Calls ended, by code.", ["grpc_service", "grpc_method", "grpc_type", "grpc_code"])
_SECONDS = Histogram("grpc_server_handling_seconds", "Seconds from begin to end of a call.", ["grpc_service", "grpc_method", "grpc_type"])


class Calls:
    """The calls of one service on their way through this process."""

    def __init__(self, max_in_flight: int, request_timeout: float) -> None:
        self._max_in_flight = max_in_flight
        self._request_timeout = request_timeout
        self._deadlines = Deadlines()
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Until no call is in flight."""
        await self._idle.wait()

    def handlers(
        self, service: ServiceDescriptor, implementation: object, carried: Mapping[str, MethodDescriptor] | None = None
    ) -> grpc.GenericRpcHandler:
        """gRPC's handlers of a service whose unary methods `implementation` has under their names.

        `carried`: by the name of a method whose messages hold several `calls` and `results`, the method that these are calls of; limits
        and metrics count them, not the message.
        """
        carried = carried or {}
        return grpc.method_handlers_generic_handler(
            service.full_name,
            {
                method.name: self._handler(method, getattr(implementation, method.name), carried.get(method.name))
                for method in service.methods
            },
        )

    def _handler(
        self, method: MethodDescriptor, behaviour: Behaviour, carried: MethodDescriptor | None
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        counted = carried or method
        labels = (counted.containing_service.full_name, counted.name, "unary")
        started, seconds = _STARTED.labels(*labels), _SECONDS.labels(*labels)
        handled = {number: _HANDLED.labels(*labels, name) for name, number in code_pb2.Code.items()}

        async def handle(request: Message | None, context: "grpc.aio.ServicerContext[Any, Any]") -> Message:
            calls = len(request.calls) if carried and request is not None else 1  # type: ignore[attr-defined]
            started.inc(calls)
            begin = time.perf_counter()
            codes = {code_pb2.CANCELLED: calls}
            try:
                reply = await self._call(behaviour, request, context, calls, hold=carried is None)
                codes = Counts(result.error.code for result in reply.results) if carried else {code_pb2.OK: 1}  # type: ignore[attr-defined]
                return reply
            except Failure as failure:
                codes = {failure.code: calls}
                await _abort(context, failure)
            finally:
                elapsed = time.perf_counter() - begin
                for _ in range(calls):
                    seconds.observe(elapsed)
                for code, count in codes.items():
                    handled[code_pb2.Code.ValueType(code)].inc(count)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=_decoder(method),
            response_serializer=lambda message: message.SerializeToString(),
        )

    async def _call(
        self, behaviour: Behaviour, request: Message | None, context: "grpc.aio.ServicerContext[Any, Any]", calls: int, hold: bool
    ) -> Message:
        if request is None:
            raise Failure(code_pb2.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "The message cannot be decoded.")
        remaining = context.time_remaining()
        timeout = self._request_timeout if remaining is None else min(remaining, self._request_timeout)
        if self._in_flight + calls > self._max_in_flight:
            if hold:
                await asyncio.sleep(min(HOLD, timeout / 2))
            raise too_many_requests()
        self._in_flight += calls
        self._idle.clear()
        metadata = dict(context.invocation_metadata() or ())
        deadline = time.monotonic() + timeout
        try:
            with self._deadlines.at(deadline):
                return await behaviour(request, metadata, deadline)
        except TimeoutError:
            raise deadline_exceeded() from None
        except Failure:
            raise
        except Exception as error:
            raise unexpected(f"request {metadata.get('x-request-id', '-')!r}") from error
        finally:
            self._in_flight -= calls
            if not self._in_flight:
                self._idle.set()


def _decoder(method: MethodDescriptor) -> Callable[[bytes], Message | None]:
    """None for what cannot be decoded: an exception here would become UNKNOWN, as if the server had failed."""
    parse = message_factory.GetMessageClass(method.input_type).FromString

    def decode(data: bytes) -> Message | None:
        try:
            return parse(data)
        except DecodeError:
            return None

    return decode


async def _abort(context: "grpc.aio.ServicerContext[Any, Any]", failure: Failure) -> NoReturn:
    status = failure.status()
    await context.abort(_CODES[failure.code], status.message, (("grpc-status-details-bin", status.SerializeToString()),))
    raise AssertionError("abort raises")
