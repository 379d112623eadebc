"""Calls to the server over several connections: as fast as answers come, or at a rate whatever comes."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc.aio

from loadtest.arrival import NOT_SENT, arrive
from loadtest.window import Window, now

_TIMEOUT = 15.0  # seconds of a call; the server gives up after 10
_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]  # else channels to one address share a connection

Calls = Sequence[Callable[..., Any]]


@dataclass(frozen=True)
class _Load:
    """`in_flight` calls at a time, or at most, spread over `connections`. `method`: as in HTTP/2's path. `warm_up` and `seconds`: before
    the window, and in it."""

    target: str
    method: str
    message: bytes
    connections: int
    in_flight: int
    warm_up: float
    seconds: float

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Calls]:
        """The method on each connection."""
        async with contextlib.AsyncExitStack() as opened:
            channels = [grpc.aio.insecure_channel(self.target, options=_OPTIONS) for _ in range(self.connections)]
            for channel in channels:
                await opened.enter_async_context(channel)
                await channel.channel_ready()
            yield [channel.unary_unary(self.method) for channel in channels]

    async def call(self, call: Callable[..., Any], window: Window, begun: float) -> None:
        try:
            await call(self.message, timeout=_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            window.answer(begun, error.code().name)
        else:
            window.answer(begun, "OK")


class ClosedLoop(_Load):
    """A call follows when the answer to the one before has come."""

    async def run(self, window: Window) -> None:
        stopping = asyncio.Event()
        async with self.connected() as calls:
            turns = [itertools.cycle([*calls[first:], *calls[:first]]) for first in range(self.connections)]
            callers = [
                asyncio.ensure_future(self._calls(turns[number % self.connections], window, stopping)) for number in range(self.in_flight)
            ]
            await asyncio.sleep(self.warm_up)
            await window.last(self.seconds)
            stopping.set()
            await asyncio.gather(*callers)

    async def _calls(self, calls: "itertools.cycle[Callable[..., Any]]", window: Window, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            begun = now()
            window.begin(begun)
            await self.call(next(calls), window, begun)


@dataclass(frozen=True)
class OpenLoop(_Load):
    """Calls arrive at `rate` a second, whether answers come or not. One that finds `in_flight` others is not sent, and counted as that."""

    rate: float

    async def run(self, window: Window) -> None:
        pending: set[asyncio.Task[None]] = set()
        async with self.connected() as calls:
            turn = itertools.cycle(calls)

            def send(due: float) -> None:
                window.begin(due)
                if len(pending) >= self.in_flight:
                    window.fail(due, NOT_SENT)
                    return
                task = asyncio.ensure_future(self.call(next(turn), window, due))
                pending.add(task)
                task.add_done_callback(pending.discard)

            arrivals = asyncio.ensure_future(arrive(self.rate, send))
            await asyncio.sleep(self.warm_up)
            await window.last(self.seconds)
            arrivals.cancel()
            if pending:
                await asyncio.wait(pending)
