"""Answers that take time: given up, or cut off visibly, as soon as nobody reads them or they cannot be completed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.transcoding._body import ClientGone

Result = TypeVar("Result")

# Seconds. Most calls are over by then, and a task to watch each of them would cost more than it saves.
_WATCH_AFTER = 0.05


async def unless_gone(result: Awaitable[Result], cancel: Callable[[], object], receive: Receive) -> Result:
    """The result, or, when the client disconnects before, `cancel()` and ClientGone."""
    loop = asyncio.get_running_loop()
    gone = False
    watching: list[asyncio.Task[None]] = []

    async def watch() -> None:
        nonlocal gone
        await until_gone(receive)
        gone = True
        cancel()

    timer = loop.call_later(_WATCH_AFTER, lambda: watching.append(loop.create_task(watch())))
    try:
        return await result
    except asyncio.CancelledError:
        if gone:
            raise ClientGone from None
        raise
    finally:
        timer.cancel()
        for task in watching:
            task.cancel()


async def until_gone(receive: Receive) -> None:
    """Returns when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


class StreamedResponse(Response):
    """Sends chunks as the client takes them, and closes their generator as soon as the client has gone. A chunk is sent when there is room
    for it, so that an empty one does nothing but wait for room.

    ASGI's send says nothing of a client that has gone, so receive is watched. An exception of the generator aborts the chunked body:
    what is left out is never taken for the end.
    """

    def __init__(self, chunks: AsyncGenerator[bytes, None], media_type: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            gone.cancel()
            await asyncio.wait((sending, gone))
            if not sending.cancelled():
                sending.exception()  # of one whose client has gone: raised above where it has not
            await self._chunks.aclose()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self._chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            # Neither a client that has gone nor one that keeps up makes send wait: others, and the watch above, need their turn.
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
