"""Who PostgreSQL asks whether a password is right: an LDAP server that takes simple binds (RFC 4511, section 4.2) and nothing else.

So a PostgreSQL that is no RDS takes tokens, as it takes any password in clear text over TLS, and the test decides which are right.
"""

import socketserver
import threading
from collections.abc import Callable
from typing import IO, Self

SUCCESS, INVALID_CREDENTIALS = 0, 49
_BIND_REQUEST, _SIMPLE = 0x60, 0x80


class Directory:
    """`passwords` are those that came, in order; `right` decides of each."""

    def __init__(self, right: Callable[[str], bool]) -> None:
        self.passwords: list[str] = []
        directory = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                message = _read(self.rfile)
                number, bind = _elements(message)[:2]
                if bind[0] != _BIND_REQUEST:
                    return
                _, _, password = _elements(bind[1])
                assert password[0] == _SIMPLE
                directory.passwords.append(password[1].decode())
                code = SUCCESS if right(password[1].decode()) else INVALID_CREDENTIALS
                self.wfile.write(_element(0x30, _element(*number) + _element(0x61, bytes([10, 1, code, 4, 0, 4, 0]))))
                self.rfile.read(1)  # until the client has gone

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _read(stream: IO[bytes]) -> bytes:
    """The content of one element of BER (X.690)."""
    _, first = stream.read(2)
    length = int.from_bytes(stream.read(first & 0x7F)) if first & 0x80 else first
    return stream.read(length)


def _elements(content: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents of the elements that stand one after another."""
    found = []
    while content:
        tag, first, begin = content[0], content[1], 2
        if first & 0x80:
            begin += first & 0x7F
            first = int.from_bytes(content[2:begin])
        found.append((tag, content[begin : begin + first]))
        content = content[begin + first :]
    return found


def _element(tag: int, content: bytes) -> bytes:
    assert len(content) < 0x80
    return bytes([tag, len(content)]) + content
