"""The server: ports, the calls that come in, the end."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import grpc
import grpc._cython.cygrpc as cygrpc

from process.waiting import Waiting
from server.transport.call import IncomingCall, Metadata
from server.transport.events import Events
from server.transport.patience import PATIENCE, Patience

log = logging.getLogger("server")

Handler = Any  # a grpc.RpcMethodHandler of coroutines; the published types know threads only


class _Called(grpc.HandlerCallDetails):
    def __init__(self, method: str, metadata: Metadata) -> None:
        self.method = method
        self.invocation_metadata = tuple(metadata)


class Server:
    """Of grpc.aio.Server the part that is used here, for the loop that makes it."""

    def __init__(
        self,
        options: Sequence[tuple[str, Any]] = (),
        patience: Patience = PATIENCE,
        before_answers: Callable[[], None] = lambda: None,
    ) -> None:
        """`before_answers`: called before answers leave, once for all of a turn of the event loop. If it raises, their callers are told
        UNKNOWN in their place."""
        self._before_answers = before_answers
        self._leaving: list[IncomingCall] = []
        self._loop = asyncio.get_running_loop()
        self._patience = patience
        self._receiving = Waiting()
        self._sending = Waiting(patience.unread)
        self._watching: list[asyncio.Task[None]] = []
        self._events = Events()
        self._server = cygrpc.Server(tuple(options), False)
        self._server.register_completion_queue(self._events.queue)
        self._generic: list[grpc.GenericRpcHandler] = []
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping: asyncio.Task[None] | None = None

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self._generic.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """What generated code says beside the generic handlers, which are all that is needed."""

    def add_secure_port(self, address: str, credentials: grpc.ServerCredentials) -> int:
        """The port, chosen where it is 0. Raises RuntimeError for an address that cannot be had."""
        port: int = self._server.add_http2_port(address.encode(), credentials._credentials)  # type: ignore[attr-defined]
        if not port:
            raise RuntimeError(f"cannot listen on {address}")
        return port

    async def start(self) -> None:
        self._server.start()
        self._events.start()
        self._watching = [
            self._loop.create_task(self._receiving.watch(self._patience.receive)),
            self._loop.create_task(self._sending.watch(self._patience.send)),
        ]
        self._request_call()

    async def stop(self, grace: float) -> None:
        """Takes no more calls, and ends those that are not done after `grace` seconds."""
        if not self._stopping:
            shut_down = self._loop.create_future()
            self._stopping = self._loop.create_task(self._stop(shut_down))
            self._server.shutdown(self._events.queue, lambda event: shut_down.set_result(None))
        if not (await asyncio.wait([self._stopping], timeout=grace))[0]:
            self._server.cancel_all_calls()
        await asyncio.shield(self._stopping)

    async def _stop(self, shut_down: asyncio.Future[None]) -> None:
        await shut_down
        await self._idle.wait()
        for watching in self._watching:
            watching.cancel()
        self._server.destroy()
        await self._events.close()

    def _request_call(self) -> None:
        self._server.request_call(self._events.queue, self._events.queue, self._called)

    def _called(self, event: Any) -> None:
        """A call has come in, or none will."""
        if not event.success:
            return
        self._calls += 1
        self._idle.clear()
        IncomingCall(event, self._handler(event), self._loop, self._receiving, self._sending, self._leave, self._ended).begin()
        if not self._stopping:
            self._request_call()

    def _leave(self, call: IncomingCall) -> None:
        """Has the call answered with the others of this turn."""
        if not self._leaving:
            self._loop.call_soon(self._answer)
        self._leaving.append(call)

    def _answer(self) -> None:
        leaving, self._leaving = self._leaving, []
        try:
            self._before_answers()
        except Exception:
            log.exception("answers are withheld")
            for call in leaving:
                call.fail()
        for call in leaving:
            call.end()

    def _ended(self) -> None:
        self._calls -= 1
        if not self._calls:
            self._idle.set()

    def _handler(self, event: Any) -> Handler:
        called = _Called(event.call_details.method.decode(errors="replace"), event.invocation_metadata)
        for generic in self._generic:
            if handler := generic.service(called):
                return handler
        return _UNKNOWN


async def unimplemented(request: Any, context: IncomingCall) -> NoReturn:
    """The handler of methods that nobody has."""
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


_UNKNOWN: Handler = grpc.stream_stream_rpc_method_handler(unimplemented)  # which waits for no message
