"""How long calls wait for their callers, to send a message or to take the answer. gRPC's core waits until the connection ends."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Of a server with its callers."""

    receive: float  # seconds from the begin of a call until its message has come whole
    send: float  # seconds in which an answer, or each of several, has to be taken
    unread: int  # bytes of answers that wait to be taken, of all calls


PATIENCE = Patience(receive=30.0, send=30.0, unread=128 << 20)
