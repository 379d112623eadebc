"""Reads, creates and updates that arrive while calls to the server are in flight travel together in the next one.

A gRPC call costs Python several times what its payload does. A lone request still goes at once, and each keeps its own result, deadline,
credential and idempotency key; what one of them waits for or fails with touches no other.
"""

import time
from collections.abc import Callable, Coroutine, Generator, Hashable, Sequence
from typing import Any

import grpc.aio
from google.protobuf.message import Message
from google.rpc import code_pb2

from batching import Batcher
from gateway.metrics import GROUP_SIZE
from gateway.transcoding import RpcFailed
from payments.v1 import coalescing_pb2, coalescing_pb2_grpc
from payments.v1.metadata import CLIENT, PAYMENT_ID
from process.deadlines import Deadlines

LARGEST = 1 << 20  # bytes of the calls in one message, well below what the server takes
# Bytes that each call counts for beside its own: a message has 256 calls at most, so that the four that may be on their way stay within the
# server's limit on calls in flight, which refuses a message whole.
OVERHEAD = 4096

Metadata = Sequence[tuple[str, str | bytes]]

# What of a call's metadata travels with it, by its name there and in CallContext.
_CONTEXT = {
    "x-request-id": "request_id",
    "traceparent": "traceparent",
    PAYMENT_ID: "payment_id",
    "authorization": "authorization",
}


class CoalescingChannel:
    """A channel for the transcoder whose reads, creates and updates share calls; everything else goes as it comes."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        stub: Any = coalescing_pb2_grpc.CoalescingServiceStub(channel)
        self._channel = channel
        self._coalesced = {
            "/payments.v1.PaymentService/GetPayment": _Coalesced(
                "GetPayment", stub.GetPayments, coalescing_pb2.GetPaymentsRequest, coalescing_pb2.GetCall, _get_key
            ),
            "/payments.v1.PaymentService/CreatePayment": _Coalesced(
                "CreatePayment", stub.CreatePayments, coalescing_pb2.CreatePaymentsRequest, coalescing_pb2.CreateCall, _create_key
            ),
            "/payments.v1.PaymentService/UpdatePayment": _Coalesced(
                "UpdatePayment", stub.UpdatePayments, coalescing_pb2.UpdatePaymentsRequest, coalescing_pb2.UpdateCall, _update_key
            ),
        }

    def unary_unary(self, method: str, **serializers: Any) -> Callable[..., Any]:
        return self._coalesced.get(method) or self._channel.unary_unary(method, **serializers)

    def unary_stream(self, method: str, **serializers: Any) -> Callable[..., Any]:
        return self._channel.unary_stream(method, **serializers)


class _Coalesced:
    """A method, called as the channel's own would be."""

    def __init__(
        self, name: str, call: Callable[..., Any], request: Callable[..., Message], item: Callable[..., Any], key: Callable[[Any], Hashable]
    ) -> None:
        self._group_size = GROUP_SIZE.labels(name)
        self._call = call
        self._request = request
        self._item = item
        self._deadlines = Deadlines()
        self._batcher: Batcher[Any, coalescing_pb2.CallResult] = Batcher(
            self._send, in_flight=2, key=key, size=lambda item: item.ByteSize() + OVERHEAD, largest=LARGEST
        )

    def __call__(self, message: Message, *, timeout: float, metadata: Metadata) -> "_CoalescedCall":
        return _CoalescedCall(self._submit(message, timeout, metadata))

    async def _submit(self, message: Message, timeout: float, metadata: Metadata) -> coalescing_pb2.CallResult:
        context = {_CONTEXT[name]: value for name, value in metadata if name in _CONTEXT}
        deadline = time.monotonic() + timeout
        try:
            with self._deadlines.at(deadline):
                return await self._batcher.submit(self._item(request=message, context=context), deadline)
        except TimeoutError:
            raise RpcFailed.with_code(code_pb2.DEADLINE_EXCEEDED) from None

    async def _send(self, items: list[Any], deadline: float) -> Sequence[coalescing_pb2.CallResult | Exception]:
        self._group_size.observe(len(items))
        try:
            reply = await self._call(self._request(calls=items), timeout=deadline - time.monotonic())
        except grpc.aio.AioRpcError as error:
            return [RpcFailed.of(error) for _ in items]
        results: Sequence[coalescing_pb2.CallResult] = reply.results
        return results


class _CoalescedCall:
    """What the transcoder needs of grpc.aio's call. Awaited, it is the payment, or raises RpcFailed."""

    def __init__(self, result: Coroutine[Any, Any, coalescing_pb2.CallResult]) -> None:
        self._result = result
        self._client = ""

    def __await__(self) -> Generator[Any, None, Message]:
        result = yield from self._result.__await__()
        self._client = result.client
        if result.HasField("error"):
            raise RpcFailed(result.error)
        return result.payment

    async def trailing_metadata(self) -> Sequence[tuple[str, str]]:
        return ((CLIENT, self._client),) if self._client else ()


def _get_key(call: coalescing_pb2.GetCall) -> Hashable:
    """Reads need no order among themselves."""
    return object()


def _create_key(call: coalescing_pb2.CreateCall) -> Hashable:
    """Two creates of one key and one caller go one after the other; without a key each has an id of its own."""
    return (call.context.authorization, call.request.request_id) if call.request.request_id else call.context.payment_id


def _update_key(call: coalescing_pb2.UpdateCall) -> Hashable:
    """Two updates of one payment go one after the other, in the order they came."""
    return call.request.id
