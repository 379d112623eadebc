"""Whose API key a request carries: the server checks it and names the client in trailing metadata, for the log and the metrics here."""

from collections.abc import Iterable
from functools import cache

from prometheus_client import Counter
from starlette.types import Scope

from payments.v1.metadata import CLIENT

# Names are those that the server has in its file of keys, so that nobody else can make more series.
_REQUESTS = Counter("payments_gateway_client_requests", "Requests answered, by client and HTTP status.", ["client", "status"])


def note_client(scope: Scope, trailing: Iterable[tuple[str, str | bytes]]) -> None:
    """Keeps the name with the request, if there is one in the trailing metadata of its call."""
    for name, value in trailing:
        if name == CLIENT:
            scope["state"][CLIENT] = value


def client_of(scope: Scope) -> str:
    """The name, empty where it is not known."""
    name: str = scope["state"].get(CLIENT, "")
    return name


def count(scope: Scope, status: int) -> None:
    """Counts an answer with this HTTP status."""
    if client := client_of(scope):
        _requests(client, status).inc()


@cache
def _requests(client: str, status: int) -> Counter:
    return _REQUESTS.labels(client, status)
