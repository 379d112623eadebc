"""uvicorn's HTTP/1.1, with one system call for an answer where it makes two."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Protocol(HttpToolsProtocol):
    """To be given to uvicorn as `http`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]  # a transport by what it does


class _Gathering:
    """A transport on which what is written in one turn of the event loop leaves together.

    uvicorn writes the head of an answer and its body one after the other. On loopback the second system call was a tenth of all that a
    small answer costs, and across a network it is a second packet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held and not self._transport.is_closing():  # the client may have gone since
            self._transport.write(b"".join(self._held))
        self._held.clear()

    def __getattr__(self, name: str) -> Any:
        """What else a transport does."""
        return getattr(self._transport, name)
