"""Hangs up on a PostgreSQL that says nothing: neither its own statement_timeout nor TCP's timers end a wait for one that is frozen, or gone
behind a proxy or load balancer that still acknowledges."""

import contextlib
import os
import socket
import threading
import time
from typing import Any

import psycopg2

OVERDUE = 2.0  # seconds after a deadline, in which PostgreSQL's own timeout is told
_INTERVAL = 0.5  # seconds between looks


class Patience:
    """The deadlines of the statements that run, each on a connection of its own, watched by a thread."""

    def __init__(self) -> None:
        self._deadlines: dict[Any, float] = {}  # by the driver's connection, on time.monotonic()'s clock
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="patience", daemon=True).start()

    def begin(self, connection: Any, deadline: float) -> None:
        """A statement leaves."""
        self._deadlines[connection] = deadline

    def end(self, connection: Any) -> None:
        """It has been answered, or has failed. Only now may the connection be closed: another file could get its number."""
        with self._lock:
            self._deadlines.pop(connection, None)

    def hang_up(self, before: float = float("inf")) -> None:
        """Statements whose deadline is earlier than that fail with a lost connection."""
        with self._lock:
            for connection in [each for each, deadline in self._deadlines.copy().items() if deadline < before]:
                del self._deadlines[connection]
                with contextlib.suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
                    wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the thread."""
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self.hang_up(time.monotonic() - OVERDUE)
