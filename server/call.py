"""What a method knows of the call that it answers, beside the request."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from process.request_id import REQUEST_ID
from server.errors import Failure

Metadata = Mapping[str, str | bytes]


def loggable_id(given: str | bytes) -> str:
    """An X-Request-Id as a log may have it; empty for any other text."""
    return given if isinstance(given, str) and REQUEST_ID.fullmatch(given) else ""


class Caller(NamedTuple):
    """Who calls."""

    client: str  # whose API key the call carries; empty where that is unknown, or the server asks for none
    refusal: Failure | None = None  # why the call must not be carried out


ANYBODY = Caller("")


class Call(NamedTuple):
    """A call, or several that travel in one message."""

    metadata: Metadata
    deadline: float  # on time.monotonic()'s clock
    callers: Sequence[Caller]  # one a call; a call that travels alone is not refused

    @property
    def client(self) -> str:
        """Of a call that travels alone."""
        return self.callers[0].client
