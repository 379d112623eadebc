"""The way to the service: its name, and its certificate."""

import datetime
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.smoke.check import Clock, Failed, NotAsked, expect


@dataclass(frozen=True)
class Door:
    """`url`: of REST. `ca`: PEM file of the certificate's authorities, else the system's. `days`: the least that it has to last."""

    url: str
    ca: str
    days: int
    clock: Clock

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (443 if self.secure else 80)

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca or None)

    def resolves(self) -> str:
        return f"{self.host} is {', '.join(self._addresses())}"

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Failed(f"{self.host} does not resolve: {error}") from error
        return sorted({str(address[0]) for *_, address in found})

    def certificate(self) -> str:
        if not self.secure:
            here = all(ipaddress.ip_address(address).is_loopback for address in self._addresses())
            expect(here, f"{self.url} has no TLS, which only a service of this machine may do without")
            raise NotAsked("no TLS on this machine itself")
        try:
            with (
                socket.create_connection((self.host, self.port), self.clock.patience()) as connection,
                self.context.wrap_socket(connection, server_hostname=self.host) as secured,
            ):
                certificate, version = secured.getpeercert() or {}, secured.version()
        except OSError as error:
            raise Failed(f"no TLS with {self.host}:{self.port}: {error}") from error
        end = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), datetime.UTC)
        days = (end - datetime.datetime.now(datetime.UTC)).days
        expect(days >= self.days, f"the certificate ends in {days} days, on {end:%Y-%m-%d}; {self.days} are needed")
        return f"{version}, the certificate ends in {days} days, on {end:%Y-%m-%d}"
