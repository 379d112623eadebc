"""What is left to do of a request once its answer is on its way."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Settling(Generic[Item]):
    """Hands on what came in one turn of the event loop together, two turns later: answers go first, and of requests that are answered
    together, as under load they are, the many cost little more than one."""

    def __init__(self, settle: Callable[[list[Item]], None]) -> None:
        self._settle = settle
        self._items: list[Item] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # kept, as asking for it is a system call in Python 3.11

    def add(self, item: Item) -> None:
        """To be called on the event loop's thread."""
        if not self._items:
            self._loop = self._loop or asyncio.get_running_loop()
            self._loop.call_soon(self._loop.call_soon, self._hand_on)
        self._items.append(item)

    def _hand_on(self) -> None:
        items, self._items = self._items, []
        self._settle(items)
