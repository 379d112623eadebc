"""Requests through nginx, each over a kept-alive connection, that tell a failure from a connection that nginx closed while it was idle."""

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator

from tests.e2e.service import HOST, Door


class RestLoad:
    """What came of the requests. `reconnects`: a connection that had been used before was closed before any byte of an answer; nginx does
    that to idle ones when it loads its configuration anew, and every HTTP client sends such a request again."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.requests = 0
        self.reconnects = 0
        self.failures: list[str] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def run(self) -> None:
        connection = _Connection(self.door)
        while not self._ended.wait(0.05):
            headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
            created = self._request(connection, "POST", "/create", '{"data": {"load": 1}, "payment": 1.00}', headers)
            if created:
                self._request(connection, "GET", f"/get/{json.loads(created)['id']}", None, {})
        connection.close()

    def end(self) -> None:
        self._ended.set()

    def _request(self, connection: "_Connection", method: str, path: str, body: str | None, headers: dict[str, str]) -> bytes:
        try:
            try:
                status, content = connection.exchange(method, path, body, headers)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
                if not connection.used:
                    raise
                with self._lock:
                    self.reconnects += 1
                connection.close()
                status, content = connection.exchange(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status, content = 0, repr(error).encode()
        with self._lock:
            self.requests += 1
            if status != 200:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {method} {path}: {status} {content[:200]!r}")
        return content if status == 200 else b""


class _Connection:
    """One at a time, with TLS, to the door. `used`: it has had an answer."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._context = door.context
        self._open: http.client.HTTPConnection | None = None
        self.used = False

    def exchange(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._open is None:
            self.used = False
            self._open = http.client.HTTPConnection(HOST)
            self._open.sock = self._context.wrap_socket(socket.create_connection(self._door.address, 15), server_hostname=HOST)
        self._open.request(method, path, body, headers)
        answer = self._open.getresponse()
        content = answer.read()
        self.used = True
        if answer.will_close:
            self.close()
        return answer.status, content

    def close(self) -> None:
        if self._open:
            self._open.close()
            self._open = None


@contextlib.contextmanager
def rest_load(door: Door, clients: int = 4) -> Iterator[RestLoad]:
    """For as long as the context lasts."""
    load = RestLoad(door)
    threads = [threading.Thread(target=load.run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join()
