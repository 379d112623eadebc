"""What can be wrong with a server, one kind at a time."""

import itertools
import threading
import time
from dataclasses import dataclass, field, fields


@dataclass
class Faults:
    """Every n-th request has the fault; 0 for none. `losing`: a create is acknowledged and undone. `failing`: it is told of an internal
    error. `slow`: it takes two seconds more. `silent_after`: after so many requests none is answered."""

    losing: int = 0
    failing: int = 0
    slow: int = 0
    silent_after: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        return next((each.name for each in fields(self) if getattr(self, each.name) and each.name != "ended"), "healthy")

    def __post_init__(self) -> None:
        self._requests = itertools.count(1)
        self._creates = itertools.count(1)

    def fails(self) -> bool:
        """Asked once for each request; delays it, holds it for ever, or tells whether it fails."""
        number = next(self._requests)
        if self.silent_after and number > self.silent_after:
            self.ended.wait()
        if self.slow and number % self.slow == 0:
            time.sleep(2)
        return bool(self.failing) and number % self.failing == 0

    def loses(self) -> bool:
        """Asked once for each create."""
        return bool(self.losing) and next(self._creates) % self.losing == 0
