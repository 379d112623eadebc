"""Whom a load may be sent to: nobody loads a stranger by a typo."""

from collections.abc import Iterable
from urllib.parse import urlsplit


class NotAllowed(ValueError):
    """The host is not on the list."""


def host_of(address: str) -> str:
    """Of a URL or of HOST:PORT. Raises ValueError where there is none."""
    host = urlsplit(address if "://" in address else f"//{address}").hostname
    if not host:
        raise ValueError(f"{address!r} names no host")
    return host


def check(addresses: Iterable[str], allowed: Iterable[str]) -> None:
    """Raises NotAllowed for the first address whose host is not, to the letter, among the allowed."""
    hosts = {host.lower() for host in allowed}
    for address in addresses:
        if host_of(address) not in hosts:
            raise NotAllowed(f"{host_of(address)} is not among the hosts that may be loaded: {', '.join(sorted(hosts)) or 'none'}")
