"""A TCP proxy on loopback that can be told to misbehave: late, silent, half-open, or with resets in the middle of an answer."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from local.stack import HOST

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time: close sends RST


class _Connection:
    """A client and what it is connected to."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.forgotten = False  # the client still believes in it

    def reset(self) -> None:
        for side in (self.client, self.server):
            _reset(side)

    def forget(self) -> None:
        self.forgotten = True
        _reset(self.server)


class Proxy:
    """Passes everything on to `target`, an address or the path of a Unix socket, until told otherwise. Runs in a thread of its own."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._delay = 0.0  # seconds
        self._resets = 0
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._open.set()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._accept, HOST, 0), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def delay(self, seconds: float) -> None:
        """Whatever comes from now on, in either direction, is late by that."""
        self._call(lambda: setattr(self, "_delay", seconds))

    def reset(self, answers: int) -> None:
        """Each of the next `answers` answers is cut in its middle by a reset of both ends."""
        self._call(lambda: setattr(self, "_resets", answers))

    def hold(self) -> None:
        """A black hole: nothing passes, and nobody is told. What is held comes late, as TCP's own repetition would bring it."""
        self._call(self._open.clear)

    def release(self) -> None:
        self._call(self._open.set)

    def forget(self) -> None:
        """Half-open: the open connections' other ends are gone, and their clients are not told. New connections work."""
        self._call(lambda: [connection.forget() for connection in list(self._connections)])

    def close(self) -> None:
        def end() -> None:
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            for connection in list(self._connections):
                connection.reset()
            self._loop.call_later(0.05, self._loop.stop)

        self._loop.call_soon_threadsafe(end)
        self._thread.join()
        self._loop.close()

    def _call(self, action: Callable[[], object]) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (action(), done.set()))
        done.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._target, str):
                server_reader, server_writer = await asyncio.open_unix_connection(self._target)
            else:
                server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        connection = _Connection(writer, server_writer)
        self._connections.add(connection)
        for pump in (self._pump(connection, reader, server_writer, False), self._pump(connection, server_reader, writer, True)):
            task = asyncio.ensure_future(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        due = 0.0
        try:
            while data := await reader.read(65536):
                await self._open.wait()
                if connection.forgotten:
                    continue
                if answers and self._resets:
                    self._resets -= 1
                    writer.write(data[: len(data) // 2])
                    await asyncio.sleep(0)
                    connection.reset()
                    return
                now = self._loop.time()
                due = max(due, now + self._delay)
                if due > now:
                    self._loop.call_at(due, _write, writer, data)
                else:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass  # the other end's own reset is passed on below
        if not connection.forgotten:
            self._connections.discard(connection)
            self._loop.call_at(max(due, self._loop.time()) + 0.001, writer.close)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        writer.transport.abort()
