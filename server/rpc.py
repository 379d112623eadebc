"""What every call passes through: access, decoding, an answering database, the limit on calls in flight, the deadline, errors, metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2

from payments.v1.metadata import CLIENT
from payments.v1.scopes import required_scope
from process.deadlines import Deadlines
from server import ended
from server.access import Access
from server.accounts import Accounts
from server.audit import Audit
from server.call import ANYBODY, Call, Caller, Metadata
from server.call_spans import CallSpans
from server.ended import Ended
from server.errors import Failure, deadline_exceeded, invalid, too_many_requests, unavailable, unexpected
from server.metrics import REFUSED_IN_FLIGHT, REFUSED_NO_DATABASE, MessageMetrics

Behaviour = Callable[..., Awaitable[Message]]

# Seconds. Refusing a call costs the most part of answering it. A refusal that is held back holds its caller back, whether the caller heeds
# the RetryInfo or not, and costs nothing meanwhile. The gateway holds its own callers.
HOLD = 1.0
MOST_CARRIED = 1024  # calls in one message: of the smallest, 4 MiB hold two million, and each takes its time before any is refused
WRITE = "write"  # the scope of the methods that leave audit lines

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Calls:
    """The calls of one service on their way through this process."""

    def __init__(self, max_in_flight: int, request_timeout: float, access: Access) -> None:
        self._max_in_flight = max_in_flight
        self._request_timeout = request_timeout
        self._access = access
        self._database_lost = False
        self._deadlines = Deadlines()
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def tell(self, fault: str) -> None:
        """What is wrong with the database; empty for nothing. While something is, calls are refused, and those in flight end now: a frozen
        PostgreSQL would keep them until their deadlines, and what the gateway wants to send waits for them."""
        self._database_lost = bool(fault)
        if fault:
            self._deadlines.expire_all()

    async def idle(self) -> None:
        """Until no call is in flight."""
        await self._idle.wait()

    def handlers(
        self, service: ServiceDescriptor, implementation: object, carried: Mapping[str, MethodDescriptor] | None = None
    ) -> grpc.GenericRpcHandler:
        """gRPC's handlers of a service whose unary methods `implementation` has under their names.

        `carried`: by the name of a method whose messages hold several `calls` and `results`, the method that these are calls of; access is
        theirs, and limits and metrics count them, not the message.
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
        messages = MessageMetrics(method.containing_service.full_name, method.name)
        accounts = Accounts(counted.containing_service.full_name, counted.name)
        scope = required_scope(counted)
        audited = Audit(counted) if scope == WRITE else None
        traced = CallSpans(counted.containing_service.full_name, counted.name)

        async def handle(request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> Message:
            metadata = dict(context.invocation_metadata() or ())
            several = request if carried else None
            if several is not None and len(several.calls) > MOST_CARRIED:
                await _abort(context, invalid({"calls": f"must be at most {MOST_CARRIED}"}), ())
            calls = ended.carried(several) if several is not None else ended.alone(request, metadata)
            callers = self._callers(scope, several, metadata)
            trailing = () if carried or not callers[0].client else ((CLIENT, callers[0].client),)
            accounts.started.inc(len(calls))
            if "grpc-previous-rpc-attempts" in metadata:
                messages.repeated.inc()
            begin = time.perf_counter()
            spans = traced.begin(calls)
            codes: Sequence[int] = [code_pb2.CANCELLED] * len(calls)
            replies: Sequence[Message | None] = [None] * len(calls)
            failure = None
            try:
                reply: Any = await self._call(behaviour, request, metadata, context.time_remaining(), callers, alone=carried is None)
                if carried:
                    codes = [result.error.code for result in reply.results]
                    replies = [None if code else result.payment for code, result in zip(codes, reply.results, strict=True)]
                else:
                    codes, replies = [code_pb2.OK], [reply]
                if trailing:
                    context.set_trailing_metadata(trailing)
            except Failure as error:
                failure = error.with_traceback(None)  # which would keep this frame alive, and it the failure
                codes = [failure.code] * len(calls)
            finally:  # before the answer leaves
                end = Ended(calls, replies, callers, codes, time.perf_counter() - begin)
                if audited:
                    audited.note(end)
                accounts.ended(end)
                if spans:
                    traced.end(spans, codes)
            if failure:
                if failure.hold:
                    await asyncio.sleep(failure.hold)
                await _abort(context, failure, trailing)
            return reply  # type: ignore[no-any-return]

        return grpc.unary_unary_rpc_method_handler(
            handle, request_deserializer=_decoder(method, messages), response_serializer=_encoder(messages)
        )

    def _callers(self, scope: str, several: Message | None, metadata: Metadata) -> Sequence[Caller]:
        """Who makes the call with this metadata, or each of the `calls` of a message that carries several."""
        if self._access.open:
            return [ANYBODY] * (1 if several is None else len(several.calls))  # type: ignore[attr-defined]
        if several is None:
            return [self._access.caller(scope, metadata.get("authorization", ""))]
        return [self._access.caller(scope, call.context.authorization) for call in several.calls]  # type: ignore[attr-defined]

    async def _call(
        self,
        behaviour: Behaviour,
        request: Message | None,
        metadata: Metadata,
        remaining: float | None,
        callers: Sequence[Caller],
        alone: bool,
    ) -> Message:
        """`remaining`: seconds that the caller waits. Of a call that travels alone, not of one among others, an answer may be held back."""
        if alone and callers[0].refusal:
            raise callers[0].refusal
        if request is None:
            raise Failure(code_pb2.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "The message cannot be decoded.")
        if self._database_lost:
            REFUSED_NO_DATABASE.inc(len(callers))
            raise unavailable()
        calls = len(callers)
        timeout = self._request_timeout if remaining is None else min(remaining, self._request_timeout)
        if self._in_flight + calls > self._max_in_flight:
            REFUSED_IN_FLIGHT.inc(calls)
            raise too_many_requests(min(HOLD, timeout / 2) if alone else 0.0)
        self._in_flight += calls
        self._idle.clear()
        deadline = time.monotonic() + timeout
        try:
            with self._deadlines.at(deadline):
                return await behaviour(request, Call(metadata, deadline, callers))
        except TimeoutError:
            raise (unavailable() if self._database_lost else deadline_exceeded()) from None
        except Failure:
            raise
        except Exception as error:
            clients = ", ".join(sorted({caller.client for caller in callers if caller.client}))
            raise unexpected(f"request {metadata.get('x-request-id', '-')!r}, client {clients or '-'}") from error
        finally:
            self._in_flight -= calls
            if not self._in_flight:
                self._idle.set()


def _decoder(method: MethodDescriptor, metrics: MessageMetrics) -> Callable[[bytes], Message | None]:
    """None for what cannot be decoded: an exception here would become UNKNOWN, as if the server had failed."""
    parse = message_factory.GetMessageClass(method.input_type).FromString

    def decode(data: bytes) -> Message | None:
        metrics.received(len(data))
        try:
            return parse(data)
        except DecodeError:
            return None

    return decode


def _encoder(metrics: MessageMetrics) -> Callable[[Message], bytes]:
    def encode(message: Message) -> bytes:
        data = message.SerializeToString()
        metrics.sent(len(data))
        return data

    return encode


async def _abort(context: "grpc.aio.ServicerContext[Any, Any]", failure: Failure, trailing: Sequence[tuple[str, str]]) -> NoReturn:
    status = failure.status()
    await context.abort(_CODES[failure.code], status.message, (("grpc-status-details-bin", status.SerializeToString()), *trailing))
    raise AssertionError("abort raises")
