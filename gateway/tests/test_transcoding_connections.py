"""What a client sees of its connection: on a real HTTP server, for there alone are connections closed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc.aio
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response

from gateway.tests.library_service import Library, library, serving
from gateway.transcoding import Call, Handler, StreamedResponse, transcode

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def servicer() -> Library:
    return Library()


@pytest.fixture(params=["httptools", "h11"])
async def port(servicer: Library, request: pytest.FixtureRequest) -> AsyncIterator[int]:
    async with serving(servicer) as channel, served(channel, servicer, request.param) as port:
        yield port


@asynccontextmanager
async def served(channel: grpc.aio.Channel, servicer: Library, http: str) -> AsyncIterator[int]:
    handlers = {"library.v1.Library.GetFile": endless(servicer)}
    app = Starlette(routes=transcode([library()], channel, max_body=1 << 20, handlers=handlers))
    config = uvicorn.Config(app, port=0, http=http, lifespan="off", log_level="critical", timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    with contextlib.suppress(asyncio.CancelledError):
        running = asyncio.ensure_future(server.serve())
        await until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True
        await running


def endless(servicer: Library) -> Handler:
    """Answers with chunks without end, and notes when they are no longer asked for."""

    async def chunks() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            servicer.ends.append("closed")

    async def handler(call: Call) -> Response:
        return StreamedResponse(chunks(), "text/plain")

    return handler


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):  # less than the timeout of calls
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(port: int, request: bytes) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(method: str, url: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {url} HTTP/1.1", "Host: library", *headers, "", ""]).encode()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The head of the answer."""
    async with asyncio.timeout(20):
        return await reader.readuntil(b"\r\n\r\n")


async def test_a_stream_that_fails_is_cut_off_and_not_ended(port: int) -> None:
    async with connected(port, head("GET", "/v1/shelves/1/books:watch?count=3&fail_after=2")) as (reader, _):
        assert b"200 OK" in await answer(reader)
        body = await asyncio.wait_for(reader.read(), 5)
    assert b'{"title":"1"}' in body
    assert not body.endswith(b"0\r\n\r\n")


async def test_a_stream_that_ends_is_ended(port: int) -> None:
    async with connected(port, head("GET", "/v1/shelves/1/books:watch?count=3", "Connection: close")) as (reader, _):
        assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"0\r\n\r\n")


async def test_a_stream_is_cancelled_when_the_client_has_gone(port: int, servicer: Library) -> None:
    async with connected(port, head("GET", "/v1/shelves/1/books:watch?count=1&fail_after=1")) as (reader, _):
        await reader.readuntil(b"title")
        assert "cancelled" not in servicer.ends
    await until(lambda: "cancelled" in servicer.ends)


async def test_a_stream_waits_for_a_slow_client(port: int, servicer: Library) -> None:
    async with connected(port, head("GET", "/v1/shelves/1/books:watch?count=100000&size=50000")) as (reader, _):
        await reader.readuntil(b"title")
        sent = -1
        while sent < len(servicer.ends):  # until nothing more is made
            sent = len(servicer.ends)
            await asyncio.sleep(0.3)
        assert sent < 2000
    await until(lambda: "cancelled" in servicer.ends)


async def test_a_read_is_cancelled_when_the_client_has_gone(port: int, servicer: Library) -> None:
    async with connected(port, head("GET", "/v1/failures/0?delay=30")):
        await until(lambda: len(servicer.requests) == 1)
        await asyncio.sleep(0.1)
    await until(lambda: servicer.ends == ["cancelled"])


async def test_a_write_goes_on_when_the_client_has_gone(port: int, servicer: Library) -> None:
    async with connected(port, head("POST", "/v1/failures/0?delay=0.5", "Content-Length: 0")):
        await until(lambda: len(servicer.requests) == 1)
    await until(lambda: servicer.ends == ["done"])


async def test_a_handler_s_stream_ends_with_its_client(port: int, servicer: Library) -> None:
    async with connected(port, head("GET", "/v1/files/x")) as (reader, _):
        await reader.readexactly(1 << 20)
    await until(lambda: servicer.ends == ["closed"])


@pytest.mark.parametrize(
    ("method", "url", "content_type", "status"),
    [
        ("POST", "/v1/books:lend", "application/json", b"413"),
        ("POST", "/v1/books:lend", "text/plain", b"415"),
        ("GET", "/v1/shelves/1", "application/json", b"400"),
        ("DELETE", "/v1/shelves/1", "application/json", b"405"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_refused_upload_is_read_off_so_that_the_answer_arrives(
    port: int, method: str, url: str, content_type: str, status: bytes, chunked: bool
) -> None:
    size, piece = 10 << 20, b"x" * 65536
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    async with connected(port, head(method, url, f"Content-Type: {content_type}", length)) as (reader, writer):
        for _ in range(size // len(piece)):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
        writer.write(b"0\r\n\r\n" if chunked else b"")
        assert status in await answer(reader)
        await reader.readuntil(b"}")
        # The connection is still good for another request.
        writer.write(head("GET", "/v1/shelves/1"))
        assert b"200 OK" in await answer(reader)


async def test_a_client_that_asks_first_is_refused_before_it_sends(port: int) -> None:
    request = head("POST", "/v1/books:lend", "Content-Type: application/json", "Content-Length: 10000000", "Expect: 100-continue")
    async with connected(port, request) as (reader, _):
        text = await answer(reader)
        assert b"413" in text and b"100 Continue" not in text and b"connection: close" in text.lower()


async def test_a_client_that_leaves_while_it_sends_gets_nothing_done(port: int, servicer: Library) -> None:
    async with connected(port, head("POST", "/v1/books:lend", "Content-Type: application/json", "Content-Length: 100") + b"{"):
        await asyncio.sleep(0.05)
    async with connected(port, head("GET", "/v1/shelves/1")) as (reader, _):
        assert b"200 OK" in await answer(reader)
    assert [request.DESCRIPTOR.name for request in servicer.requests] == ["GetShelfRequest"]


@pytest.mark.parametrize("path", ["/v1/shelves/%zz", "/v1/shelves/%ff", "/v1/shelves/x?place.floor=%f"])
async def test_a_broken_encoding_is_refused(port: int, path: str) -> None:
    async with connected(port, head("GET", path)) as (reader, _):
        text = await answer(reader)
        assert b"400" in text and b"application/problem+json" in text
