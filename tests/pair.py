"""A server and a gateway of a test's own, with options or variables that the stack's do not have, on the same database."""

import contextlib
from collections.abc import Iterator, Sequence

from gateway.tests.gateway_process import Gateway
from local.stack import Stack
from server.tests.server_process import Server


@contextlib.contextmanager
def pair(running: Stack, server: Sequence[str] = (), gateway: Sequence[str] = (), **variables: str) -> Iterator[tuple[Server, Gateway]]:
    """Once both serve. `server`, `gateway`: options; `variables` are added to the environment of both."""
    with (
        Server(running.database_url, *server, **variables) as started,
        Gateway("--server", started.target, *gateway, **variables) as before,
    ):
        before.wait_until_serving()
        yield started, before
