"""One call: what its handler sees of it, and the operations of gRPC's core that answer it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from inspect import isasyncgen
from typing import Any, NoReturn

import grpc._cython.cygrpc as cygrpc
import grpc.aio

from process.waiting import Waiting

log = logging.getLogger("server")

Metadata = Sequence[tuple[str, str | bytes]]

_NO_FLAGS = 0
_NO_METADATA: Metadata = ()
_CANCELLED = (cygrpc.StatusCode.cancelled, "")
_NEVER = 1e15  # seconds since the epoch; gRPC's core says more than that for no deadline


class IncomingCall:
    """A call, and the context of its handler: of grpc.aio.ServicerContext the part that this server's services use."""

    def __init__(
        self,
        event: Any,
        handler: Any,
        loop: asyncio.AbstractEventLoop,
        receiving: Waiting,
        sending: Waiting,
        leave: "Callable[[IncomingCall], None]",
        ended: Callable[[], None],
    ) -> None:
        """`event`: gRPC's core's, of a new call. `handler`: a grpc.RpcMethodHandler of coroutines. `receiving` and `sending`: those
        that wait for their callers' messages, and for their taking what is sent.

        `leave` is called when the handler is done, and has to call `end`. `ended` is called once no operation of the call is pending.
        """
        self._call = event.call
        self._metadata: Metadata = event.invocation_metadata
        self._deadline: float = event.call_details.deadline  # seconds since the epoch
        self._handler = handler
        self._decode = handler.request_deserializer or bytes
        self._encode = handler.response_serializer or bytes
        self._loop = loop
        self._receiving = receiving
        self._sending = sending
        self._cancel = self._call.cancel
        self._leave = leave
        self._ended = ended
        self._pending = 0  # operations, and the handler's task
        self._gone = False  # the caller waits no more
        self._opened = False  # whether the initial metadata have been sent
        self._status = (cygrpc.StatusCode.ok, "")
        self._trailing = _NO_METADATA
        self._last: bytes | None = None  # the message that is sent with the status
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Has the handler answer the call."""
        self._operate((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), self._closed)
        if self._handler.request_streaming:
            self._run(self._answer(self._requests()))
        else:
            self._receiving.begin(self._cancel)
            self._operate((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), self._received)

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def time_remaining(self) -> float | None:
        """Seconds until the caller gives up; None where it has set no deadline."""
        return None if self._deadline > _NEVER else max(0.0, self._deadline - time.time())

    def set_trailing_metadata(self, metadata: Metadata) -> None:
        self._trailing = metadata

    def code(self) -> int:
        """The status that the call ends with, if its handler says no other: a number of google.rpc.Code."""
        return int(self._status[0])

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = _NO_METADATA) -> NoReturn:
        """Ends the call with this status: raises grpc.aio.AbortError, which the handler must let pass."""
        self._status = (code.value[0], details)
        self._trailing = trailing_metadata
        raise grpc.aio.AbortError

    async def write(self, message: Any) -> None:
        """Sends one of several answers; waits until the connection has room for the next."""
        data = self._encode(message)
        self._sending.begin(self._cancel, len(data))
        sent = await self._event((*self._open(), cygrpc.SendMessageOperation(data, _NO_FLAGS)), self._taken)
        if not sent.success:
            raise asyncio.CancelledError  # the caller has gone

    def _received(self, event: Any) -> None:
        """The one request is here."""
        self._pending -= 1
        self._receiving.end(self._cancel)
        message = event.batch_operations[0].message()
        if self._gone:
            self._status = _CANCELLED
            self._finish()
        elif message is None:
            self._status = (cygrpc.StatusCode.invalid_argument, "The call carries no message.")
            self._finish()
        else:
            self._run(self._answer(message))

    def _closed(self, event: Any) -> None:
        """The call has ended for its caller: answered, cancelled, or its deadline has passed."""
        if event.batch_operations[0].cancelled():
            self._gone = True
            if self._task:
                self._loop.call_soon(self._task.cancel)  # soon: a task that is cancelled before it has begun would never end the call
        self._completed(event)

    def _run(self, answer: Coroutine[Any, Any, None]) -> None:
        self._pending += 1
        self._task = self._loop.create_task(answer)

    async def _answer(self, request: Any) -> None:
        try:
            self._last = await self._handle(request)
        except grpc.aio.AbortError:
            pass
        except asyncio.CancelledError:
            self._status = _CANCELLED
        except Exception:
            log.exception("a handler failed")
            self.fail()
        self._leave(self)

    async def _handle(self, request: Any) -> bytes | None:
        """What the handler has answered, but for what it has sent itself."""
        handler = self._handler
        if not handler.request_streaming:
            try:
                request = self._decode(request)
            except Exception:
                await self.abort(grpc.StatusCode.INVALID_ARGUMENT, "The message cannot be decoded.")
        if not handler.response_streaming:
            data: bytes = self._encode(await handler.unary_unary(request, self))
            return data
        answers = (handler.stream_stream if handler.request_streaming else handler.unary_stream)(request, self)
        if isasyncgen(answers):
            async for message in answers:
                await self.write(message)
        else:
            await answers
        return None

    async def _requests(self) -> AsyncIterator[Any]:
        while (message := await self._message()) is not None:
            yield self._decode(message)

    def fail(self) -> None:
        """Takes back what the handler has answered."""
        self._status, self._trailing, self._last = (cygrpc.StatusCode.unknown, ""), _NO_METADATA, None

    def end(self) -> None:
        """Answers."""
        self._finish()
        self._completed(None)

    def _finish(self) -> None:
        last = self._last
        code, details = self._status
        status = cygrpc.SendStatusFromServerOperation(self._trailing, code, details.encode(), _NO_FLAGS)
        message = () if last is None else (cygrpc.SendMessageOperation(last, _NO_FLAGS),)
        self._sending.begin(self._cancel, len(last or b""))
        self._operate((*self._open(), *message, status), self._taken)

    def _taken(self, event: Any) -> None:
        """What was sent has left for the caller."""
        self._sending.end(self._cancel)
        self._completed(event)

    def _open(self) -> tuple[Any, ...]:
        if self._opened:
            return ()
        self._opened = True
        return (cygrpc.SendInitialMetadataOperation(_NO_METADATA, _NO_FLAGS),)

    async def _message(self) -> bytes | None:
        """The caller's next request; None at their end."""
        message: bytes | None = (
            (await self._event((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), self._completed)).batch_operations[0].message()
        )
        return message

    async def _event(self, operations: tuple[Any, ...], then: Callable[[Any], None]) -> Any:
        """Waits until the operations have completed; `then` is called in any case."""
        completed = self._loop.create_future()

        def complete(event: Any) -> None:
            if not completed.done():  # as it is when its waiter was cancelled
                completed.set_result(event)
            then(event)

        self._operate(operations, complete)
        return await completed

    def _operate(self, operations: tuple[Any, ...], tag: Callable[[Any], None]) -> None:
        self._pending += 1
        if error := self._call.start_server_batch(operations, tag):
            raise AssertionError(f"gRPC's core refuses an operation: {error}")

    def _completed(self, event: Any) -> None:
        self._pending -= 1
        if not self._pending:
            self._ended()
