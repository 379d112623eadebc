"""The closed loop of calls against a small server that behaves as the test wants it to."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from loadtest.arrival import NOT_SENT
from loadtest.rpc import ClosedLoop, OpenLoop
from loadtest.window import Answers, Window
from local.stack import HOST

METHOD = "/payments.test/Create"


async def answers(
    load: type[ClosedLoop] | type[OpenLoop], create: Callable[[bytes, Any], Awaitable[bytes]], in_flight: int, **options: float
) -> Answers:
    """What comes of a load on a server whose one method is `create`."""
    server = grpc.aio.server()
    handlers = {"Create": grpc.unary_unary_rpc_method_handler(create)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("payments.test", handlers),))
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    window = Window(lambda: None, lambda: None)
    await load(f"{HOST}:{port}", METHOD, b"payment", connections=4, in_flight=in_flight, warm_up=0.2, seconds=0.5, **options).run(window)
    await server.stop(None)
    return window.answers()


async def test_calls_are_counted_by_code_and_spread_over_the_connections() -> None:
    turns = itertools.count()
    peers = set()

    async def create(message: bytes, context: Any) -> bytes:
        assert message == b"payment"
        peers.add(context.peer())
        if next(turns) % 4 == 0:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "wait")
        return b"created"

    found = (await answers(ClosedLoop, create, 8)).outcomes
    assert set(found) == {"OK", "RESOURCE_EXHAUSTED"}
    assert abs(found["OK"] - 3 * found["RESOURCE_EXHAUSTED"]) <= 12
    assert len(peers) == 4


async def test_an_open_loop_keeps_to_its_rate_and_says_what_it_did_not_send() -> None:
    async def create(message: bytes, context: Any) -> bytes:
        await asyncio.sleep(0.1)
        return b"created"

    assert (await answers(OpenLoop, create, 100, rate=100)).outcomes == {"OK": pytest.approx(50, abs=2)}
    full = (await answers(OpenLoop, create, 2, rate=100)).outcomes
    assert full == {"OK": pytest.approx(10, abs=3), NOT_SENT: pytest.approx(40, abs=3)}
