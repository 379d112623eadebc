"""Reads HTTP/1.1 answers (RFC 9112) as cheaply as Python can: where each ends, its status, and nothing else."""

import re

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*(?:\r\n|$)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*(?:\r\n|$)", re.I)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close[ \t]*(?:\r\n|$)", re.I)
_START = re.compile(rb"HTTP/1\.[01] ([2-5][0-9][0-9])(?: |\r\n|$)")
_BODILESS = (b"204", b"304")


class Malformed(Exception):
    """Not an answer of HTTP/1.1, or one whose end cannot be known."""


class Answer:
    """One answer after another on a connection, each to requests that are neither HEAD nor pipelined."""

    def __init__(self) -> None:
        self.status = ""
        self.closes = False  # the other end closes the connection after this answer
        self._begin()

    def _begin(self) -> None:
        self._in_body = False
        self._chunked = False
        self._left = 0  # bytes of the body, or of the chunk with the line end behind it
        self._in_trailers = False
        self._held = b""  # the beginning of a head or a line whose end has not come

    def feed(self, data: bytes) -> bool:
        """Takes what has come; whether it completes the answer. Raises Malformed."""
        if self._held:
            data = self._held + data
            self._held = b""
        if not self._in_body:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._held = data
                return False
            self._read_head(data[:end])
            data = data[end + 4 :]
        complete = self._feed_chunks(data) if self._chunked else self._feed_counted(data)
        if complete:
            self._begin()
        return complete

    def _read_head(self, head: bytes) -> None:
        start = _START.match(head)
        if not start:
            raise Malformed(f"begins with {head[:40]!r}")
        length = _LENGTH.search(head)
        self._chunked = bool(_CHUNKED.search(head))
        if not self._chunked and not length and start[1] not in _BODILESS:
            raise Malformed("says neither how long it is nor that it comes in chunks")
        self._left = int(length[1]) if length and not self._chunked and start[1] not in _BODILESS else 0
        self.status = start[1].decode()
        self.closes = bool(_CLOSE.search(head))
        self._in_body = True

    def _feed_counted(self, data: bytes) -> bool:
        self._left -= len(data)
        if self._left < 0:
            raise Malformed("goes on behind its end")
        return self._left == 0

    def _feed_chunks(self, data: bytes) -> bool:
        position = 0
        while True:
            skipped = min(self._left, len(data) - position)
            position += skipped
            self._left -= skipped
            end = data.find(b"\r\n", position)
            if self._left or end < 0:
                self._held = data[position:]
                return False
            line = data[position:end]
            position = end + 2
            if not self._in_trailers:
                self._begin_chunk(line)
            elif not line:
                if position < len(data):
                    raise Malformed("goes on behind its end")
                return True

    def _begin_chunk(self, line: bytes) -> None:
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise Malformed(f"has a chunk of the size {line[:40]!r}") from None
        self._left = size + 2 if size else 0
        self._in_trailers = not size
