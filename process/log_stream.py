"""The process's standard output as a stream of log lines that never keeps anybody waiting."""

import contextlib
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence

_INTERVAL = 0.05  # seconds that a line may wait for others
_MOST = 20_000  # lines that wait; a request's line finds no room above half of it, so that what goes wrong can still be told
_PIECE = 4096  # bytes in one write: Linux' PIPE_BUF, so that lines of processes that share a pipe never mix
_PATIENCE = 2.0  # seconds at the end of the process, for a reader that is slow, or gone


class LogStream:
    """Outside of `buffered` a line is written at once, by whoever writes it. Inside, a thread of its own writes, so that a reader that has
    stopped reading stops nobody: lines that find no room are dropped, and counted."""

    def __init__(self, file: int) -> None:
        """`file`: a file descriptor."""
        self._file = file
        self._lines: deque[str] = deque()
        self._buffering = False
        self._woken = threading.Event()
        self.dropped = 0

    @contextlib.contextmanager
    def buffered(self) -> Iterator[None]:
        """Not to be entered before the process has forked its workers: threads do not survive that."""
        self._buffering = True
        thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._buffering = False
            self._woken.set()
            thread.join(_PATIENCE)

    def write(self, line: str) -> None:
        """A whole line, with its end. It is on its way at once."""
        if not self._buffering:
            return self._write(line.encode(errors="backslashreplace"))
        if len(self._lines) < _MOST:
            self._lines.append(line)
        else:
            self.dropped += 1
        self._woken.set()

    def write_soon(self, lines: Sequence[str]) -> None:
        """The same for lines that come in thousands a second: they wait for others to be written with, and are the first to be dropped."""
        if self._buffering:
            room = max(0, _MOST // 2 - len(self._lines))
            self._lines.extend(lines[:room])
            self.dropped += len(lines[room:])
        else:
            self.write("".join(lines))

    def _write_on(self) -> None:
        while self._buffering or self._lines:
            self._woken.wait(_INTERVAL)
            self._woken.clear()
            while self._lines:
                self._write(self._piece())

    def _piece(self) -> bytes:
        lines = [self._lines.popleft()]
        size = len(lines[0])  # in bytes too, of JSON, which is ASCII
        while self._lines and (size := size + len(self._lines[0])) <= _PIECE:
            lines.append(self._lines.popleft())
        return "".join(lines).encode(errors="backslashreplace")

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._file, data) :]
            except BlockingIOError:  # somebody who shares the file has made it so
                select.select([], [self._file], [])
            except OSError:  # nobody reads any more, or the disk is full: the service goes on
                self.dropped += data.count(b"\n")
                return


STDOUT = LogStream(sys.__stdout__.fileno() if sys.__stdout__ else 1)
