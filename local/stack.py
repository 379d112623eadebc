"""PostgreSQL, server and gateway as real processes, started in order and stopped in reverse."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from server import embedded

HOST = "127.0.0.1"
START_TIMEOUT = 30  # seconds
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the environment's http_proxy is not for this machine itself
STOP_TIMEOUT = 30  # seconds; longer than either process needs to drain


class CannotStart(Exception):
    """A part of the stack did not start; str() says which and why."""


class Command:
    """One of the product's commands as a process. In a session of its own, so that a terminal's Ctrl-C reaches only the parent."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], log: IO[bytes]) -> None:
        self.name = name
        self._command = [str(Path(sys.executable).with_name(name)), *arguments]
        self._environment = {**os.environ, **environment}
        self._log = log
        self.ready: Callable[[], None] | None = None  # waits until a restarted process does its work
        self.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """As kill -9 does."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """SIGTERM, then its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def restart(self) -> None:
        if self.poll() is None:
            self.terminate()
        self.start()
        if self.ready:
            self.ready()


@dataclass
class Ports:
    """Where each part listens on the loopback address."""

    rest: int
    grpc: int
    server_metrics: int
    gateway_metrics: int

    @classmethod
    def free(cls) -> "Ports":
        """Ports that were free a moment ago."""
        return cls(*free_ports(4))


def free_ports(count: int) -> list[int]:
    """As many, none twice, that were free a moment ago."""
    with contextlib.ExitStack() as sockets:
        bound = [sockets.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in bound]


@dataclass
class Stack:
    """The running service. `postgres` is None where a DATABASE_URL was given."""

    ports: Ports
    database_url: str
    postgres: embedded.EmbeddedPostgres | None
    server: Command
    gateway: Command

    @property
    def rest_url(self) -> str:
        return f"http://{HOST}:{self.ports.rest}"

    @property
    def grpc_target(self) -> str:
        return f"{HOST}:{self.ports.grpc}"

    def wait(self, patience: Callable[[], None] = lambda: None) -> None:
        """Until GET /status is ok. Raises CannotStart."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            patience()
            for part in (self.server, self.gateway):
                if part.poll() is not None:
                    raise CannotStart(f"{part.name} ended with exit code {part.poll()}; its last line says why")
            with contextlib.suppress(OSError), _DIRECT.open(f"{self.rest_url}/status", timeout=2):
                return
            time.sleep(0.05)
        raise CannotStart(f"the service was not ready in {START_TIMEOUT} seconds")


@contextlib.contextmanager
def stack(
    folder: Path,
    ports: Ports | None = None,
    database_url: str | None = None,
    log: IO[bytes] | None = None,
    patience: Callable[[], None] = lambda: None,
) -> Iterator[Stack]:
    """A started stack. `folder` keeps the embedded PostgreSQL's data and, where no `log` is given, the file `log` with all output.

    `patience` is asked again and again while a part starts; what it raises ends the start, and what runs by then is stopped.

    Raises CannotStart and EmbeddedPostgresError.
    """
    ports = ports or Ports.free()
    with contextlib.ExitStack() as started:
        folder.mkdir(parents=True, exist_ok=True)
        output = log or started.enter_context((folder / "log").open("ab"))
        postgres = None if database_url else started.enter_context(embedded.start(folder))
        url = database_url or (postgres.url if postgres else "")
        environment = {"DATABASE_URL": url}
        _migrate(environment, output, patience)
        server = Command(
            "payments-server",
            ["serve", "--listen", f"{HOST}:{ports.grpc}", "--metrics-listen", f"{HOST}:{ports.server_metrics}"],
            environment,
            output,
        )
        started.callback(_stop, server)
        gateway = Command(
            "payments-gateway",
            [
                "serve",
                "--listen",
                f"{HOST}:{ports.rest}",
                "--metrics-listen",
                f"{HOST}:{ports.gateway_metrics}",
                "--server",
                f"{HOST}:{ports.grpc}",
            ],
            {},
            output,
        )
        started.callback(_stop, gateway)
        running = Stack(ports, url, postgres, server, gateway)
        running.wait(patience)
        server.ready = gateway.ready = running.wait
        yield running


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """One for a test's stack. pytest's own are closed to the account that PostgreSQL runs under when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="payments-") as name:
        os.chmod(name, 0o711)
        yield Path(name)


def _migrate(environment: Mapping[str, str], log: IO[bytes], patience: Callable[[], None]) -> None:
    migrate = Command("payments-server", ["migrate"], environment, log)
    try:
        while migrate.poll() is None:
            patience()
            time.sleep(0.02)
    finally:
        _stop(migrate)
    if migrate.poll() != 0:
        raise CannotStart(f"payments-server migrate ended with exit code {migrate.poll()}; its last line says why")


def _stop(command: Command) -> None:
    if command.poll() is None:
        command.terminate()
