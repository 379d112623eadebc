"""A transport that lets what is written in one turn leave together."""

import asyncio
from typing import Any

import uvloop

from gateway.http import _Gathering


class Ends:
    """A served connection and its client, over a real socket on uvloop."""

    def __init__(self) -> None:
        self.received = b""
        self.pieces: list[bytes] = []
        self.closed = asyncio.Event()
        self.lost = asyncio.Event()
        self.problems: list[dict[str, Any]] = []
        self.transport: asyncio.Transport
        self.connected = asyncio.Event()

    async def open(self) -> None:
        ends = self
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: ends.problems.append(context))

        class Served(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                ends.transport = transport  # type: ignore[assignment]
                ends.connected.set()

            def connection_lost(self, error: Exception | None) -> None:
                ends.lost.set()

        class Client(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                ends.pieces.append(data)

            def connection_lost(self, error: Exception | None) -> None:
                ends.closed.set()

        server = await loop.create_server(Served, "127.0.0.1", 0)
        self.client, _ = await loop.create_connection(Client, *server.sockets[0].getsockname())
        await self.connected.wait()
        server.close()


def test_what_is_written_in_one_turn_arrives_whole_and_in_order_and_before_the_close() -> None:
    async def run() -> list[bytes]:
        ends = Ends()
        await ends.open()
        gathering = _Gathering(ends.transport, asyncio.get_running_loop())
        gathering.write(b"head ")
        gathering.write(b"body")
        await asyncio.sleep(0.1)
        gathering.write(b"last words")
        gathering.close()
        await asyncio.wait_for(ends.closed.wait(), 5)
        assert not ends.problems
        return ends.pieces

    assert uvloop.run(run()) == [b"head body", b"last words"]


def test_what_is_written_for_a_client_that_has_gone_meanwhile_is_dropped_in_silence() -> None:
    async def run() -> None:
        ends = Ends()
        await ends.open()
        gathering = _Gathering(ends.transport, asyncio.get_running_loop())
        ends.client.abort()
        await asyncio.wait_for(ends.lost.wait(), 5)
        gathering.write(b"too late")
        await asyncio.sleep(0.1)
        assert gathering.is_closing()
        assert not ends.problems

    uvloop.run(run())
