"""More requests than there are places."""

import asyncio
import json
import time
from typing import Any

from starlette.types import Message

from gateway.overload import HOLD, InFlight


class Requests:
    """Requests to one InFlight, each answered when told to."""

    def __init__(self, most: int) -> None:
        self.in_flight = InFlight(most)
        self.end = asyncio.Event()

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self.end.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async def make(self) -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError("nothing is read of what is refused")

        await self.in_flight.handle(self.answer, {"type": "http", "method": "POST"}, receive, send)
        return sent


async def test_one_request_too_many_is_held_and_then_told_when_to_come_back() -> None:
    requests = Requests(most=2)
    working = [asyncio.ensure_future(requests.make()) for _ in range(2)]
    await asyncio.sleep(0)
    begin = time.monotonic()
    start, body = await requests.make()
    assert time.monotonic() - begin >= HOLD * 0.9
    headers = dict(start["headers"])
    assert (start["status"], headers[b"retry-after"], headers[b"content-type"]) == (429, b"2", b"application/problem+json")
    assert json.loads(body["body"])["reason"] == "TOO_MANY_REQUESTS"
    requests.end.set()
    assert [(await each)[0]["status"] for each in working] == [200, 200]


async def test_a_place_is_free_again_when_its_request_has_ended_however_it_did() -> None:
    requests = Requests(most=1)
    cancelled = asyncio.ensure_future(requests.make())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    requests.end.set()
    assert (await requests.make())[0]["status"] == 200
    assert (await requests.make())[0]["status"] == 200
