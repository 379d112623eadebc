"""How what runs in the foreground learns that it is to stop."""

import signal
from types import FrameType


class Stopped(Exception):
    """A signal to stop came."""


class Signals:
    """Notes SIGINT, SIGTERM and SIGHUP (the terminal has closed). An exception from within the handler could hit between a start and
    its being noted, and leave a process behind; so `check` raises it, where nothing is half done."""

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True

    def check(self) -> None:
        if self.came:
            raise Stopped
