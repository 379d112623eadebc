"""The closed loop of calls against a small server that behaves as the test wants it to."""

import itertools
from typing import Any

import grpc
import grpc.aio

from loadtest.rpc import ClosedLoop
from loadtest.window import Window
from local.stack import HOST

METHOD = "/payments.test/Create"


async def test_calls_are_counted_by_code_and_spread_over_the_connections() -> None:
    turns = itertools.count()
    peers = set()

    async def create(message: bytes, context: Any) -> bytes:
        assert message == b"payment"
        peers.add(context.peer())
        if next(turns) % 4 == 0:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "wait")
        return b"created"

    server = grpc.aio.server()
    handlers = {"Create": grpc.unary_unary_rpc_method_handler(create)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("payments.test", handlers),))
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    window = Window(lambda: None, lambda: None)
    await ClosedLoop(f"{HOST}:{port}", METHOD, b"payment", connections=4, in_flight=8, warm_up=0.2, seconds=0.4).run(window)
    await server.stop(None)
    answers = window.answers()
    assert set(answers.outcomes) == {"OK", "RESOURCE_EXHAUSTED"}
    assert abs(answers.outcomes["OK"] - 3 * answers.outcomes["RESOURCE_EXHAUSTED"]) <= 12
    assert len(peers) == 4
