"""The completion queue of gRPC's core, drained by an event loop."""

import asyncio
import logging
import threading
from typing import Any

import grpc._cython.cygrpc as cygrpc

log = logging.getLogger("server")

_LOT = 256  # events that are handled before the loop looks after others
_TIMEOUT = cygrpc.CompletionType.queue_timeout
_SHUTDOWN = cygrpc.CompletionType.queue_shutdown
_AT_ONCE = 0.0  # a deadline that has passed: take what is there, wait for nothing


class Events:
    """Calls the tag of each operation that completes with its event, on the event loop's thread.

    A thread waits, for the first event alone. What has come meanwhile the loop then takes by itself, so that under load neither a change
    of threads nor a wake-up of the loop falls to each event.
    """

    def __init__(self) -> None:
        self.queue = cygrpc.CompletionQueue()
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._next: Any = None
        self._drained = threading.Lock()
        self._drained.acquire()
        self._thread = threading.Thread(target=self._wait, name="grpc-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        """Once every operation has completed; none may follow."""
        self.queue.shutdown()
        await self._ended
        self._thread.join()

    def _wait(self) -> None:
        completion = None
        while completion != _SHUTDOWN:
            self._next = self.queue.poll()
            completion = self._next.completion_type
            self._loop.call_soon_threadsafe(self._drain)
            self._drained.acquire()

    def _drain(self) -> None:
        # An event that is kept would keep its call.
        event, self._next = self._next, None
        for _ in range(_LOT):
            if event.completion_type == _TIMEOUT:
                break
            if event.completion_type == _SHUTDOWN:
                self._ended.set_result(None)
                break
            try:
                event.tag(event)
            except Exception:  # one call's trouble must not end the others'
                log.exception("an event of gRPC's core was not handled")
            event = self.queue.poll(_AT_ONCE)
        else:
            self._next = event
            self._loop.call_soon(self._drain)
            return
        self._drained.release()
