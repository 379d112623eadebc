"""Counts and logs the calls of services that come from packages, health and reflection, and those of methods that nobody has."""

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio
from google.rpc import code_pb2

from server import ended
from server.accounts import Accounts
from server.call import ANYBODY
from server.ended import Ended
from server.transport import Server, unimplemented

HEALTH = "grpc.health.v1.Health"  # whose calls come every second, by machines

Context = Any  # of grpc.aio.ServicerContext what server.transport has
Handler = Any  # grpc.RpcMethodHandler, likewise


class Counted:
    """Takes the place of a server where a service is added to it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """What a generated `add_…Servicer_to_server` calls. The generic handlers, which it adds too, are the same once more."""
        counted = {name: _counted(handler, service, name) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, counted),))

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        pass


class UnknownMethods(grpc.GenericRpcHandler):
    """To be added last: answers what no other handler takes, as gRPC itself would, and counts it under one name for all."""

    def __init__(self) -> None:
        self._handler = _counted(grpc.unary_unary_rpc_method_handler(unimplemented), "unknown", "unknown")

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        return self._handler


def _counted(handler: Handler, service: str, method: str) -> Handler:
    if handler.response_streaming:
        kind = "bidi_stream" if handler.request_streaming else "server_stream"
        made = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        behaviour = handler.stream_stream or handler.unary_stream
        wrap = _yielding if inspect.isasyncgenfunction(behaviour) else _awaited
        return made(wrap(behaviour, _Method(service, method, kind)), handler.request_deserializer, handler.response_serializer)
    assert not handler.request_streaming  # no service here has such a method
    counted = _awaited(handler.unary_unary, _Method(service, method, "unary"))
    return grpc.unary_unary_rpc_method_handler(counted, handler.request_deserializer, handler.response_serializer)


class _Method:
    def __init__(self, service: str, method: str, kind: str) -> None:
        self._accounts = Accounts(service, method, kind, logging.DEBUG if service == HEALTH else logging.INFO)

    @contextmanager
    def call(self, context: Context) -> Iterator[None]:
        """The context lasts as long as the call."""
        self._accounts.started.inc()
        begin = time.perf_counter()
        code = code_pb2.UNKNOWN  # what gRPC makes of an exception
        try:
            yield
            code = context.code()
        except (asyncio.CancelledError, GeneratorExit):
            code = code_pb2.CANCELLED
            raise
        except grpc.aio.AbortError:
            code = context.code()
            raise
        finally:
            calls = ended.alone(None, dict(context.invocation_metadata() or ()))
            self._accounts.ended(Ended(calls, [None], [ANYBODY], [code], time.perf_counter() - begin))


def _awaited(behaviour: Callable[[Any, Context], Awaitable[Any]], method: _Method) -> Callable[[Any, Context], Any]:
    async def counted(request: Any, context: Context) -> Any:
        with method.call(context):
            return await behaviour(request, context)

    return counted


def _yielding(behaviour: Callable[[Any, Context], AsyncIterator[Any]], method: _Method) -> Callable[[Any, Context], Any]:
    async def counted(request: Any, context: Context) -> AsyncIterator[Any]:
        with method.call(context):
            async for answer in behaviour(request, context):
                yield answer

    return counted
