"""What a fault strikes: PostgreSQL, servers and gateways as real processes, with a proxy between two of them where the fault wants one."""

import contextlib
import http.client
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from local.stack import HOST, Command, free_ports
from tests.pooler import Pooler, pooled
from tests.resilience.api import Api, GrpcApi, RestApi
from tests.resilience.disk import small_disk
from tests.resilience.ledger import KEYS, ROWS, Entry, Ledger, Verdict
from tests.resilience.postgres import Postgres
from tests.resilience.proxy import Proxy

READY_TIMEOUT = 30.0  # seconds
SERVICE = "payments.v1.PaymentService"
_CLIENTS = 3  # of each API


@dataclass(frozen=True)
class Layout:
    """How many of each, and what stands between them. `disk`: MiB of a small file system for PostgreSQL's data, else the machine's own."""

    servers: int = 1
    gateways: int = 1
    proxied_server: bool = False  # between gateway and server
    proxied_database: bool = False  # between server and PostgreSQL
    disk: int | None = None
    standby: bool = False  # a second PostgreSQL that follows the first, and that the servers know of
    pooled: bool = False  # pgbouncer between server and PostgreSQL
    nginx: bool = False  # in front of the gateways
    options: tuple[str, ...] = ()  # of the gateways


PLAIN = Layout()


@dataclass
class Stage:
    """Ports are chosen once, so that what is restarted is where it was."""

    folder: Path
    postgres: Postgres
    servers: list[Command] = field(default_factory=list)
    gateways: list[Command] = field(default_factory=list)
    server_addresses: list[str] = field(default_factory=list)
    rest_addresses: list[tuple[str, int]] = field(default_factory=list)
    standby: Postgres | None = None
    proxy: Proxy | None = None
    pooler: Pooler | None = None
    front: tuple[str, int] | None = None  # of what stands before the gateways
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def server(self) -> Command:
        return self.servers[0]

    @property
    def gateway(self) -> Command:
        return self.gateways[0]

    def apis(self) -> list[Api]:
        """The clients of the mixed load."""
        rest = self.front or self.rest_addresses[0]
        target = "ipv4:" + ",".join(self.server_addresses)
        return [api for _ in range(_CLIENTS) for api in (RestApi(rest, keep=self.front is None), GrpcApi(target))]

    def get(self, path: str, timeout: float = 5, gateway: int = 0) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of a gateway's own answer."""
        return exchange(self.rest_addresses[gateway], "GET", path, timeout=timeout)

    def try_create(self) -> tuple[int, http.client.HTTPMessage, bytes]:
        """A create that the ledger knows of and takes for unknown, whatever is answered."""
        entry = self.ledger.ask(Entry(f"tried-{uuid.uuid4().hex}", "{}", "1.00"))
        entry.data = f'{{"key":"{entry.key}"}}'
        headers = {"Idempotency-Key": entry.key, "Content-Type": "application/json"}
        return exchange(self.rest_addresses[0], "POST", "/create", f'{{"data":{entry.data},"payment":1}}', headers)

    def health(self, service: str = SERVICE, server: int = 0) -> int:
        with grpc.insecure_channel(self.server_addresses[server], options=[("grpc.enable_http_proxy", 0)]) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
            return int(answer.status)

    def begin(self) -> None:
        """Empty tables and a new ledger."""
        self.postgres.execute("TRUNCATE payments, idempotency_keys")
        self.ledger = Ledger()

    def verdict(self) -> Verdict:
        return self.ledger.check(self.postgres.rows(ROWS), self.postgres.rows(KEYS))


@contextlib.contextmanager
def staged(layout: Layout) -> Iterator[Stage]:
    """A started stage; all its processes end with the context."""
    with contextlib.ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="payments-", dir="/tmp")))
        os.chmod(folder, 0o711)
        log = ending.enter_context((folder / "log").open("ab"))
        postgres = Postgres(ending.enter_context(small_disk(folder, layout.disk)) if layout.disk else folder)
        ending.callback(_end_postgres, postgres)
        stage = Stage(folder, postgres)
        url = postgres.url
        if layout.standby:
            stage.standby = postgres.make_standby(folder / "standby")
            ending.callback(_end_postgres, stage.standby)
            url = _either(postgres, stage.standby)
        if layout.proxied_database:
            stage.proxy = Proxy((HOST, postgres.port))
            ending.callback(stage.proxy.close)
            url = url.replace(f":{postgres.port}/", f":{stage.proxy.port}/")
        if layout.pooled:
            stage.pooler = ending.enter_context(pooled(folder, url))
            url = stage.pooler.url
        _migrate(url, log)
        for number in range(layout.servers):
            add_server(stage, url, log, ending, number)
        target = "ipv4:" + ",".join(stage.server_addresses)
        if layout.proxied_server:
            host, _, port = stage.server_addresses[0].rpartition(":")
            stage.proxy = Proxy((host, int(port)))
            ending.callback(stage.proxy.close)
            target = stage.proxy.address
        for number in range(layout.gateways):
            add_gateway(stage, target, layout.options, log, ending, number)
        yield stage


def _either(*candidates: Postgres) -> str:
    """The URL of whichever takes writes."""
    return f"postgresql://payments@{','.join(f'{HOST}:{each.port}' for each in candidates)}/postgres?target_session_attrs=read-write"


def add_server(stage: Stage, url: str, log: IO[bytes], ending: contextlib.ExitStack, number: int) -> None:
    listen, metrics = free_ports(2)
    stage.server_addresses.append(f"{HOST}:{listen}")
    arguments = ["serve", "--listen", f"{HOST}:{listen}", "--metrics-listen", f"{HOST}:{metrics}"]
    command = Command("payments-server", arguments, {"DATABASE_URL": url}, log)
    ending.callback(end, command)
    stage.servers.append(command)
    command.ready = lambda: until(lambda: stage.health(server=number) == health_pb2.HealthCheckResponse.SERVING, "a server serves")
    command.ready()


def add_gateway(stage: Stage, target: str, options: tuple[str, ...], log: IO[bytes], ending: contextlib.ExitStack, number: int) -> None:
    listen, metrics = free_ports(2)
    stage.rest_addresses.append((HOST, listen))
    arguments = ["serve", "--listen", f"{HOST}:{listen}", "--metrics-listen", f"{HOST}:{metrics}", "--server", target, *options]
    command = Command("payments-gateway", arguments, {}, log)
    ending.callback(end, command)
    stage.gateways.append(command)
    command.ready = lambda: until(lambda: stage.get("/status", gateway=number)[0] == 200, "a gateway serves")
    command.ready()


def exchange(
    address: tuple[str, int], method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None, timeout: float = 15
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body of the answer, on a connection of its own."""
    with contextlib.closing(http.client.HTTPConnection(*address, timeout=timeout)) as connection:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def until(holds: Callable[[], object], what: str, seconds: float = READY_TIMEOUT) -> float:
    """Waits; a call that fails does not hold yet. Returns the seconds that it took, raises TimeoutError."""
    begin = time.monotonic()
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, grpc.RpcError):
            if holds():
                return time.monotonic() - begin
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"not within {seconds:g} seconds: {what}")
        time.sleep(0.02)


def end(command: Command) -> None:
    if command.poll() is None:
        command.terminate()


def _end_postgres(postgres: Postgres) -> None:
    if postgres.running:
        postgres.stop("immediate")


def _migrate(url: str, log: IO[bytes]) -> None:
    command = Command("payments-server", ["migrate"], {"DATABASE_URL": url}, log)
    until(lambda: command.poll() is not None, "the migration ends")
    assert command.poll() == 0, "payments-server migrate failed"
