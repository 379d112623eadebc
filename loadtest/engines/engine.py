"""What every engine is given and has to do."""

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from loadtest.plan.file import Shape, Target
from loadtest.results import Results


class EngineFailed(RuntimeError):
    """An engine could not do its work; str() says why."""


@dataclass
class Job:
    """A load on a target. `run`: names it, in every payment it makes. `key`: an API key, or nothing."""

    run: str
    target: Target
    shape: Shape
    key: str
    results: Results
    stopping: threading.Event = field(default_factory=threading.Event)  # set: finish what has been begun, and begin no more
    stopped: float = math.inf  # when that was, on time.time()'s clock; what was due later is not offered

    def stop(self) -> None:
        if not self.stopping.is_set():
            self.stopped = time.time()
            self.stopping.set()


class Engine(Protocol):
    """One API's. Both methods run in a thread of the engine's own, and raise EngineFailed."""

    api: str
    chained: bool  # whether a payment's later calls are made when the one before has been answered, and have no schedule

    @property
    def version(self) -> str:
        """What sends the load, and its version."""

    def prepare(self, job: Job) -> None:
        """Everything that takes time, before the load begins."""

    def send(self, job: Job, begin: float) -> None:
        """The whole load. `begin`: its moment, on time.time()'s clock."""
