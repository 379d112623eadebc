"""How many requests the gateway works on at a time, and what becomes of one more."""

import asyncio
from collections.abc import Awaitable, Callable

from google.rpc import code_pb2
from starlette.types import Receive, Scope, Send

from gateway.channel import DOMAIN
from gateway.metrics import IN_FLIGHT, IN_FLIGHT_LIMIT, REFUSED
from gateway.transcoding import Refusal, problem_response

Handle = Callable[[Scope, Receive, Send], Awaitable[None]]

RETRY_AFTER = 2  # seconds
# Reading a request and refusing it takes half the time of answering it, so that under twice the load nothing else would be done. A refusal
# that is held back for as long as it asks its client to wait holds the client back, heeded or not, and costs nothing meanwhile.
HOLD = float(RETRY_AFTER)


class InFlight:
    """Places for `most` requests."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._refused = REFUSED.labels("in_flight")
        IN_FLIGHT_LIMIT.set(most)
        self._in_flight = 0
        refusal = Refusal("Too many requests are in flight.", code=code_pb2.RESOURCE_EXHAUSTED, reason="TOO_MANY_REQUESTS")
        self._refuse = problem_response(refusal.status(DOMAIN), headers={"Retry-After": str(RETRY_AFTER)})

    def read_gauges(self) -> None:
        IN_FLIGHT.set(self._in_flight)

    async def handle(self, handle: Handle, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers by `handle`, or with 429 and Retry-After where all places are taken."""
        if self._in_flight >= self._most:
            self._refused.inc()
            await asyncio.sleep(HOLD)
            return await self._refuse(scope, receive, send)
        self._in_flight += 1
        try:
            await handle(scope, receive, send)
        finally:
            self._in_flight -= 1
