"""Runs a load in a process of its own, so that its work is not taken for the service's."""

import contextlib
import multiprocessing
from multiprocessing.connection import Connection
from typing import Protocol

import uvloop

from loadtest.window import Answers, Window

_BEGIN, _END = "begin", "end"
_SAMPLE = 0.1  # seconds


class GeneratorFailed(RuntimeError):
    """The generator's process ended without a result; its traceback is on stderr."""


class Load(Protocol):
    """What to send; it travels to the generator's process by pickle."""

    async def run(self, window: Window) -> None:
        """Sends it, and opens and closes the window."""


class Observer(Protocol):
    """Who looks at the service meanwhile."""

    def begin(self) -> None: ...

    def sample(self) -> None: ...

    def end(self) -> None: ...


def generate(load: Load, observer: Observer) -> Answers:
    """Runs a load to its end. The observer is told of the window's begin and end, and asked to look ten times a second. Raises
    GeneratorFailed."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(load, theirs), daemon=True)
    process.start()
    theirs.close()
    with ours, contextlib.ExitStack() as ending:
        ending.callback(process.join)
        ending.callback(process.terminate)
        while True:
            if not ours.poll(_SAMPLE):
                observer.sample()
                continue
            try:
                message = ours.recv()
            except EOFError:
                raise GeneratorFailed from None
            if message == _BEGIN:
                observer.begin()
            elif message == _END:
                observer.end()
            else:
                assert isinstance(message, Answers)
                return message


def _run(load: Load, pipe: Connection) -> None:
    window = Window(lambda: pipe.send(_BEGIN), lambda: pipe.send(_END))
    uvloop.run(load.run(window))
    pipe.send(window.answers())
