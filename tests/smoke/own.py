"""The payments that a run makes: marked, so that a person finds them, and noted, so that the run removes them."""

import json
import threading
import uuid
from dataclasses import dataclass, field


@dataclass
class Own:
    """`unsure`: keys of creates whose outcome is not known."""

    run: str = field(default_factory=lambda: f"smoke-{uuid.uuid4().hex[:12]}")
    ids: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    _numbers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self) -> str:
        """Of a create that is about to be sent."""
        with self._lock:
            self._numbers += 1
            key = f"{self.run}-{self._numbers}"
            self.unsure.add(key)
        return key

    def data(self, key: str) -> str:
        """The mark, as JSON: `data->>'smoke'` in SQL."""
        return json.dumps({"smoke": key})

    def made(self, key: str, id: str) -> None:
        with self._lock:
            self.unsure.discard(key)
            self.ids.add(id)

    def refused(self, key: str) -> None:
        with self._lock:
            self.unsure.discard(key)

    def removed(self, id: str) -> None:
        with self._lock:
            self.ids.discard(id)
