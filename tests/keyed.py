"""A server and a gateway that ask for API keys, beside those that ask for none, on the same database."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.tests.gateway_process import Gateway
from local.stack import Stack
from server.api_keys import new_key
from server.tests.server_process import Server
from tests.pair import pair
from tests.rest import Rest

ORIGIN = "https://shop.example"  # whose pages may call
READER, WRITER, OTHER, FORMER = "reader", "writer", "other", "former"
# Who is in the file from the start: the client, its scope and when its key ends.
CLIENTS = [(READER, "read", ""), (WRITER, "write", "2099-01-01"), (OTHER, "write", ""), (FORMER, "write", "2020-01-01")]
NOTICED = 1.5  # seconds until a change of the file counts


class Keyed:
    """The processes and the file of keys."""

    def __init__(self, file: Path, server: Server, gateway: Gateway, keys: dict[str, str]) -> None:
        self.file = file
        self.server = server
        self.gateway = gateway
        self.keys = keys  # by the client's name

    def rest(self) -> Rest:
        """A connection of its own."""
        return Rest(f"http://{self.gateway.address}")

    def bearer(self, client: str) -> dict[str, str]:
        """The header; none for no client."""
        return {"Authorization": f"Bearer {self.keys.get(client, 'payments_' + '0' * 64)}"} if client else {}

    def metadata(self, client: str) -> tuple[tuple[str, str], ...]:
        """The same for gRPC."""
        return tuple((name.lower(), value) for name, value in self.bearer(client).items())

    @contextlib.contextmanager
    def another(self, client: str, scope: str) -> Iterator[None]:
        """One more client, whose key is in the file for as long as the context lasts, and is known by its begin."""
        key, line = new_key(client, scope, None)
        self._replace(f"{self.file.read_text()}{line}\n")
        self.keys[client] = key
        self.until(client, 404)
        try:
            yield
        finally:
            self.remove(client)

    def remove(self, client: str) -> None:
        """Takes the client's line out of the file."""
        lines = self.file.read_text().splitlines(keepends=True)
        self._replace("".join(line for line in lines if not line.startswith(f"{client}:")))

    def until(self, client: str, status: int) -> float:
        """Waits until the client's reads of a payment that is not there are answered with this status. The seconds that it took."""
        begin = time.monotonic()
        rest = self.rest()
        while rest.get("/get/00000000-0000-7000-8000-000000000000", headers=self.bearer(client)).status_code != status:
            assert time.monotonic() < begin + NOTICED, self.server.text
            time.sleep(0.02)
        return time.monotonic() - begin

    def _replace(self, text: str) -> None:
        """By a rename, as careful programs do it."""
        new = self.file.with_name("new")
        new.write_text(text)
        new.rename(self.file)


@contextlib.contextmanager
def keyed_service(running: Stack, folder: Path) -> Iterator[Keyed]:
    """On the database of `running`. `folder` gets the file of keys."""
    keys, lines = {}, []
    for client, scope, expires in CLIENTS:
        keys[client], line = new_key(client, scope, None)
        lines.append(f"{line}:{expires}" if expires else line)
    file = folder / "keys"
    file.write_text("\n".join(lines) + "\n")
    with pair(running, ["--api-keys-file", str(file)], ["--api-keys", "--cors-origin", ORIGIN]) as (server, gateway):
        yield Keyed(file, server, gateway, keys)
