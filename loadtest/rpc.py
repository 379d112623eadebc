"""Calls to the server over several connections, as fast as answers come."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc.aio

from loadtest.window import Window, now

_TIMEOUT = 15.0  # seconds of a call; the server gives up after 10
_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]  # else channels to one address share a connection


@dataclass(frozen=True)
class ClosedLoop:
    """`in_flight` calls at a time, spread over `connections`. `method`: as in HTTP/2's path. `warm_up` and `seconds`: before the window,
    and in it."""

    target: str
    method: str
    message: bytes
    connections: int
    in_flight: int
    warm_up: float
    seconds: float

    async def run(self, window: Window) -> None:
        async with contextlib.AsyncExitStack() as opened:
            channels = [
                await opened.enter_async_context(grpc.aio.insecure_channel(self.target, options=_OPTIONS)) for _ in range(self.connections)
            ]
            calls: list[Callable[..., Any]] = [channel.unary_unary(self.method) for channel in channels]
            stopping = asyncio.Event()
            callers = [
                asyncio.ensure_future(self._call(calls[number:] + calls[:number], window, stopping))
                for number in (each % self.connections for each in range(self.in_flight))
            ]
            await asyncio.sleep(self.warm_up)
            await window.last(self.seconds)
            stopping.set()
            await asyncio.gather(*callers)

    async def _call(self, calls: list[Callable[..., Any]], window: Window, stopping: asyncio.Event) -> None:
        for call in itertools.cycle(calls):
            if stopping.is_set():
                return
            begun = now()
            window.begin(begun)
            try:
                await call(self.message, timeout=_TIMEOUT)
            except grpc.aio.AioRpcError as error:
                window.answer(begun, error.code().name)
            else:
                window.answer(begun, "OK")
