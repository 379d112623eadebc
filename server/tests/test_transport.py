"""gRPC's core on the event loop: every kind of call, ended by every side."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from server.transport import PATIENCE, Patience, Server
from tests.hostile import http2

PATH = "/test.Service/"


class Service:
    """What handlers did, and what they wait for."""

    address: str

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.waiting = 0
        self.cancelled = 0
        self.written = 0

    async def _wait(self) -> None:
        self.waiting += 1
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def Echo(self, request: bytes, context: Any) -> bytes:
        context.set_trailing_metadata((("told", str(dict(context.invocation_metadata()).get("say", ""))), ("raw-bin", b"\x00\xff")))
        return request

    async def Wait(self, request: bytes, context: Any) -> bytes:
        await self._wait()
        return request

    async def Remaining(self, request: bytes, context: Any) -> bytes:
        return str(context.time_remaining()).encode()

    async def Abort(self, request: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "nó", (("why", "because"),))

    async def Break(self, request: bytes, context: Any) -> bytes:
        raise ZeroDivisionError("secret")

    async def Count(self, request: bytes, context: Any) -> None:
        for number in range(int(request)):
            await context.write(str(number).encode())

    async def Endless(self, request: bytes, context: Any) -> None:
        self.begun.set()
        try:
            while True:
                await context.write(bytes(1 << 16))
                self.written += 1
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def Double(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request * 2


def _decode(data: bytes) -> bytes:
    if data == b"bad":
        raise ValueError
    return data


@contextlib.asynccontextmanager
async def served(
    options: tuple[tuple[str, Any], ...] = (), patience: Patience = PATIENCE, before_answers: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[Service, Server, grpc.aio.Channel]]:
    service = Service()
    server = Server(options, patience, before_answers)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(getattr(service, name), _decode, bytes)
        for name in ("Echo", "Wait", "Remaining", "Abort", "Break")
    }
    handlers |= {name: grpc.unary_stream_rpc_method_handler(getattr(service, name), bytes, bytes) for name in ("Count", "Endless")}
    handlers["Double"] = grpc.stream_stream_rpc_method_handler(service.Double, bytes, bytes)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", handlers),))
    port = server.add_secure_port("127.0.0.1:0", grpc.insecure_server_credentials())
    service.address = f"127.0.0.1:{port}"
    await server.start()
    try:
        async with grpc.aio.insecure_channel(service.address) as channel:
            yield service, server, channel
    finally:
        await asyncio.wait_for(server.stop(0), 20)


def unary(channel: grpc.aio.Channel, name: str) -> Any:
    return channel.unary_unary(PATH + name)


async def status(call: Any) -> tuple[grpc.StatusCode, str | None]:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    return failure.value.code(), failure.value.details()


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_thousand_calls_at_once_get_each_its_own_answer_and_metadata() -> None:
    async with served() as (_, _, channel):
        calls = [unary(channel, "Echo")(str(number).encode(), metadata=(("say", f"n{number}"),)) for number in range(1000)]
        assert await asyncio.gather(*calls) == [str(number).encode() for number in range(1000)]
        for number, call in enumerate(calls):
            assert set(await call.trailing_metadata()) == {("told", f"n{number}"), ("raw-bin", b"\x00\xff")}


async def test_an_empty_message_is_a_message_and_a_call_without_one_is_refused() -> None:
    async with served() as (_, _, channel):
        assert await unary(channel, "Echo")(b"") == b""
        silent = channel.stream_unary(PATH + "Echo")()
        await silent.done_writing()
        assert (await status(silent))[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_answers_of_one_turn_leave_after_one_call_of_the_hook_and_not_where_it_fails() -> None:
    turns: list[str] = []

    def hook() -> None:
        turns.append("turn")
        if len(turns) == 2:
            raise OSError("nobody reads standard error")

    async with served(before_answers=hook) as (service, _, channel):
        waiting = [asyncio.ensure_future(unary(channel, "Wait")(b"1")) for _ in range(20)]
        await until(lambda: service.waiting == 20)
        assert not turns
        service.go.set()
        assert await asyncio.gather(*waiting) == [b"1"] * 20
        assert len(turns) == 1
        assert await status(unary(channel, "Echo")(b"withheld")) == (grpc.StatusCode.UNKNOWN, "")
        assert await unary(channel, "Echo")(b"after") == b"after"


async def test_a_message_that_cannot_be_decoded_is_the_callers_fault() -> None:
    async with served() as (_, _, channel):
        assert (await status(unary(channel, "Echo")(b"bad")))[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_message_beyond_the_limit_is_refused_and_the_connection_goes_on() -> None:
    async with served((("grpc.max_receive_message_length", 1000),)) as (_, _, channel):
        assert (await status(unary(channel, "Echo")(bytes(1001))))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await unary(channel, "Echo")(bytes(1000)) == bytes(1000)


async def test_a_handler_that_aborts_says_how_the_call_ends() -> None:
    async with served() as (_, _, channel):
        call = unary(channel, "Abort")(b"")
        assert await status(call) == (grpc.StatusCode.FAILED_PRECONDITION, "nó")
        assert set(await call.trailing_metadata()) == {("why", "because")}


def test_a_handler_that_breaks_tells_the_log_and_not_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with served() as (_, _, channel):
            assert await status(unary(channel, "Break")(b"")) == (grpc.StatusCode.UNKNOWN, "")

    asyncio.run(run())
    assert "secret" in caplog.text


@pytest.mark.parametrize("path", ["/test.Service/Nothing", "/nobody/Echo", "/test.Service/", "/\u00ff/x"])
async def test_an_unknown_method_is_unimplemented(path: str) -> None:
    async with served() as (_, _, channel):
        assert (await status(channel.unary_unary(path)(b"")))[0] is grpc.StatusCode.UNIMPLEMENTED


async def test_a_handler_knows_how_long_its_caller_waits() -> None:
    async with served() as (_, _, channel):
        assert 50 < float(await unary(channel, "Remaining")(b"", timeout=60)) < 61  # gRPC rounds up what it sends
        assert await unary(channel, "Remaining")(b"") == b"None"


async def test_a_caller_that_cancels_ends_its_handler() -> None:
    async with served() as (service, _, channel):
        call = unary(channel, "Wait")(b"")
        await service.begun.wait()
        call.cancel()
        await until(lambda: service.cancelled == 1)


async def test_a_deadline_ends_the_handler_too() -> None:
    async with served() as (service, _, channel):
        assert (await status(unary(channel, "Wait")(b"", timeout=0.2)))[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: service.cancelled == 1)


async def test_calls_that_are_cancelled_at_any_moment_leave_nothing_behind() -> None:
    """The server stops once every call has ended: a single one that is forgotten makes it wait for ever."""
    async with served() as (_, _, channel):
        for number in range(300):
            calls = [unary(channel, "Wait" if number % 2 else "Echo")(bytes(number)) for _ in range(3)]
            if number % 3:
                await asyncio.sleep(0.0002 * (number % 7))
            for call in calls:
                call.cancel()
        assert await unary(channel, "Echo")(b"still here") == b"still here"


def test_a_call_that_comes_and_goes_while_the_loop_is_busy_is_forgotten() -> None:
    """Its cancellation is then known before its handler has begun."""

    def come_and_go(address: str) -> None:
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(20)
            busy.set()
            call = channel.unary_unary(PATH + "Wait").future(b"")
            time.sleep(0.2)
            call.cancel()

    async def run() -> None:
        async with served() as (service, _, _):
            caller = asyncio.ensure_future(asyncio.to_thread(come_and_go, service.address))
            await asyncio.to_thread(busy.wait, 20)
            time.sleep(0.6)
            await caller

    busy = threading.Event()
    asyncio.run(run())


async def test_several_answers_come_in_order() -> None:
    async with served() as (_, _, channel):
        answers = [answer async for answer in channel.unary_stream(PATH + "Count")(b"500")]
        assert answers == [str(number).encode() for number in range(500)]
        assert [answer async for answer in channel.unary_stream(PATH + "Count")(b"0")] == []


async def test_requests_and_answers_stream_both_ways() -> None:
    async with served() as (_, _, channel):
        call = channel.stream_stream(PATH + "Double")()
        for request in (b"a", b"", b"bc"):
            await call.write(request)
            assert await call.read() == request * 2
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


async def test_a_reader_that_stops_reading_holds_the_writer_and_one_that_goes_ends_it() -> None:
    async with served() as (service, _, channel):
        call = channel.unary_stream(PATH + "Endless")(b"")
        assert len(await call.read()) == 1 << 16
        before = -1
        while service.written != before:
            before = service.written
            assert before < 1000
            await asyncio.sleep(0.5)
        call.cancel()
        await until(lambda: service.cancelled == 1)


async def test_a_stop_lets_calls_end_within_its_grace() -> None:
    async with served() as (service, server, channel):
        call = asyncio.ensure_future(unary(channel, "Wait")(b"done"))
        await service.begun.wait()
        stop = asyncio.ensure_future(server.stop(20))
        await asyncio.sleep(0.1)
        service.go.set()
        assert await call == b"done"
        await stop


def test_a_stop_ends_what_outlasts_its_grace_and_its_thread() -> None:
    async def run() -> None:
        async with served() as (service, server, channel):
            call = asyncio.ensure_future(unary(channel, "Wait")(b""))
            await service.begun.wait()
            await asyncio.gather(server.stop(20), server.stop(0.1))  # the shorter grace counts
            assert (await status(call))[0] in {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE}
            assert service.cancelled == 1

    asyncio.run(run())
    assert not [thread for thread in threading.enumerate() if thread.name == "grpc-events"]


async def test_an_address_in_use_is_an_error() -> None:
    server = Server((("grpc.so_reuseport", 0),))
    port = server.add_secure_port("127.0.0.1:0", grpc.insecure_server_credentials())
    await server.start()
    other = Server((("grpc.so_reuseport", 0),))
    with pytest.raises(RuntimeError):
        other.add_secure_port(f"127.0.0.1:{port}", grpc.insecure_server_credentials())
    await other.start()
    await other.stop(0)
    await server.stop(0)


@pytest.mark.parametrize("method", ["Echo", "Endless"])
async def test_a_call_whose_answer_is_not_taken_is_cancelled_and_its_handler_told(method: str) -> None:
    """By raw HTTP/2 with no room for an answer; gRPC's own clients always read."""
    async with served(patience=Patience(receive=30, send=0.5, unread=1 << 20)) as (service, _, _):
        reader, writer = await connect(service)
        writer.write(http2.begin(window=0) + http2.headers(1, PATH + method) + http2.message(1, b"x" * 1000))
        assert await cancelled(reader) == [1]
        writer.close()
    assert service.cancelled == (method == "Endless")


async def test_a_call_whose_message_does_not_come_is_cancelled() -> None:
    async with served(patience=Patience(receive=0.5, send=30, unread=1 << 20)) as (service, _, _):
        reader, writer = await connect(service)
        writer.write(http2.begin() + http2.headers(1, PATH + "Echo") + http2.headers(3, PATH + "Echo") + http2.message(3, b"x"))
        assert await cancelled(reader) == [1]
        writer.close()


async def test_of_many_answers_that_are_not_taken_those_that_have_waited_longest_are_cancelled() -> None:
    async with served(patience=Patience(receive=30, send=30, unread=10_000)) as (service, _, _):
        reader, writer = await connect(service)
        writer.write(http2.begin(window=0))
        for stream in (1, 3, 5):
            writer.write(http2.headers(stream, PATH + "Echo") + http2.message(stream, bytes(4000)))
        assert await cancelled(reader) == [1]
        writer.close()


async def connect(service: Service) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = service.address.rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


async def cancelled(reader: asyncio.StreamReader) -> list[int]:
    """The streams that were ended, once there is one, and half a second has passed."""
    found: list[int] = []
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.5 if found else 20):
                head = await reader.readexactly(9)
                await reader.readexactly(int.from_bytes(head[:3], "big"))
            if head[3] == http2.RST_STREAM:
                found.append(int.from_bytes(head[5:], "big"))
    return found
