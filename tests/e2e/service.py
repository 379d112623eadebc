"""The service as it is deployed: its door, and the Deployments behind it."""

import base64
import contextlib
import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter

from tests.e2e.kubectl import NAMESPACE, get
from tests.rest import Rest

HOST = "sre-test.nuveo.ai"
NODE_PORT = 30443
DEPLOYMENTS = ("payments-server", "payments-gateway")


@dataclass(frozen=True)
class Door:
    """Where nginx is reached, and the authority of its certificate."""

    address: tuple[str, int]
    ca: Path

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))

    def rest(self) -> Rest:
        return _RestByName(self)


class _RestByName(Rest):
    """A client of the host's name, whatever a name server says of it."""

    def __init__(self, door: Door) -> None:
        super().__init__(f"https://{door.address[0]}:{door.address[1]}")
        self.door = door
        self.session.mount("https://", _ByName())
        self.session.verify = str(door.ca)
        self.session.headers["Host"] = HOST
        self.session.hooks["response"].append(_without_banner)

    def another(self) -> Rest:
        return _RestByName(self.door)


class _ByName(HTTPAdapter):
    """Asks for the host's certificate at the door's address."""

    def init_poolmanager(self, *arguments: object, **options: object) -> None:
        super().init_poolmanager(*arguments, **options, server_hostname=HOST, assert_hostname=HOST)  # type: ignore[arg-type,no-untyped-call]


def _without_banner(answer: requests.Response, *arguments: object, **options: object) -> None:
    """The gateway has no banner; open-source nginx's own has no version at least."""
    assert answer.headers.pop("Server") == "nginx"


def find_door(folder: Path) -> Door:
    """The node of nginx's pod, where a Service with externalTrafficPolicy Local answers, or what E2E_INGRESS names (ADDRESS:PORT). The
    folder gets the certificate."""
    ca = folder / "ca.crt"
    ca.write_bytes(base64.b64decode(get("secret", "payments-tls")["data"]["tls.crt"]))
    given = os.environ.get("E2E_INGRESS")
    if given:
        host, _, port = given.rpartition(":")
        return Door((host, int(port)), ca)
    (pod,) = get("pods", "--selector", "app.kubernetes.io/name=nginx-ingress", namespace="nginx-ingress")
    return Door((pod["status"]["hostIP"], NODE_PORT), ca)


@contextlib.contextmanager
def forwarded_database() -> Iterator[str]:
    """The administrator's URL of the local overlay's PostgreSQL, through a forwarded port, as long as the context lasts."""
    password = base64.b64decode(get("secret", "postgres")["data"]["admin"]).decode()
    command = ["kubectl", "--namespace", NAMESPACE, "port-forward", "service/postgres", ":5432", "--address", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port = process.stdout.readline().split(":")[1].split()[0]  # Forwarding from 127.0.0.1:41235 -> 5432
            yield f"postgresql://postgres:{password}@127.0.0.1:{port}/payments"
        finally:
            process.terminate()
