"""A channel that counts, times and traces the calls made on it. Of calls that travel together each is one of its own."""

import asyncio
import time
from collections.abc import Callable, Generator
from typing import Any

import grpc.aio
from google.protobuf.message import Message
from google.rpc import code_pb2

from gateway.metrics import CallMetrics
from gateway.spans import call_span, end_call_span
from gateway.transcoding import RpcFailed
from process.tracing import tracer


class MeteredChannel:
    """What of a channel the transcoder and the stubs of unary methods need. grpc.aio's interceptors would cost each call a task."""

    def __init__(self, channel: Any) -> None:
        """`channel`: grpc.aio's, or one that is called alike."""
        self._channel = channel

    def unary_unary(self, method: str, *arguments: Any, **options: Any) -> Callable[..., Any]:
        """`method`: as /package.Service/Method."""
        _, service, name = method.split("/")
        invoke, metrics = self._channel.unary_unary(method, *arguments, **options), CallMetrics(service, name)

        def call(*arguments: Any, **options: Any) -> _Call:
            span = None
            if tracer() and "metadata" in options:
                span, options["metadata"] = call_span(f"{service}/{name}", options["metadata"])
            return _Call(invoke(*arguments, **options), metrics, span)

        return call

    def unary_stream(self, method: str, **serializers: Any) -> Callable[..., Any]:
        """Not counted: no method of the API streams."""
        streaming: Callable[..., Any] = self._channel.unary_stream(method, **serializers)
        return streaming


class _Call:
    """A call; what it is asked beside its result is the call's own."""

    def __init__(self, call: Any, metrics: CallMetrics, span: Any) -> None:
        self._call = call
        self._metrics = metrics
        self._span = span

    def __await__(self) -> Generator[Any, None, Message]:
        metrics = self._metrics
        metrics.started.inc()
        begin = time.perf_counter()
        code: int = code_pb2.UNKNOWN
        try:
            reply: Message = yield from self._call.__await__()
            code = code_pb2.OK
            return reply
        except RpcFailed as failed:
            code = failed.status.code
            raise
        except grpc.aio.AioRpcError as error:
            code = error.code().value[0]
            raise
        except asyncio.CancelledError:
            code = code_pb2.CANCELLED
            raise
        finally:
            metrics.ended(code, time.perf_counter() - begin)
            if self._span:
                end_call_span(self._span, code)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)
