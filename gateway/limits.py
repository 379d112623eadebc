"""What clients and their connections may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of each connection, and on all of them."""

    receive: float  # seconds from the first byte of a request, or from the connection's begin, until it has come whole
    send: float  # seconds in which a client that does not keep up must take what waits for it
    connections: int
    unread: int  # bytes of answers that wait for clients who do not keep up, on all connections
    head: int  # bytes of a request's line and header lines
    fields: int  # header lines
