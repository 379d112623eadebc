"""Many clients at once that send little, or read nothing."""

import contextlib
import resource
import select
import socket
import threading
from typing import Self

from process.listening import allow_connections

_RESERVE = 1000  # files that this process keeps for itself


def affordable(count: int) -> int:
    """As many connections as this process may open, at most `count`; raises its own limit."""
    allow_connections()
    return min(count, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _RESERVE)


class Crowd:
    """`count` connections, each of which has sent `text[:begun]`, sends a byte more each second, and reads nothing."""

    def __init__(self, address: tuple[str, int], count: int, text: bytes, begun: int) -> None:
        self._text = text
        self._sent = begun
        self._ended = threading.Event()
        self._sender = threading.Thread(target=self._send)
        self.connections: list[socket.socket] = []
        try:
            for _ in range(count):
                connection = socket.create_connection(address, timeout=30)
                connection.sendall(text[:begun])
                connection.setblocking(False)
                self.connections.append(connection)
        except BaseException:
            self._close()
            raise

    def _send(self) -> None:
        while self._sent < len(self._text) and not self._ended.wait(1):
            byte = self._text[self._sent : self._sent + 1]
            self._sent += 1
            for connection in self.connections:
                with contextlib.suppress(OSError):  # the other end has let it go
                    connection.send(byte)

    def gone(self) -> int:
        """How many the other end has ended. Nothing is read for it."""
        poll = select.poll()
        for connection in self.connections:
            poll.register(connection, select.POLLRDHUP)
        return len(poll.poll(0))

    def _close(self) -> None:
        for connection in self.connections:
            connection.close()

    def __enter__(self) -> Self:
        self._sender.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._sender.join()
        self._close()
