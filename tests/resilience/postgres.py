"""A PostgreSQL to be broken: on a TCP port of its own, with the settings that a fault needs."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from local.stack import HOST, free_ports
from server._embedded_cluster import Cluster

CONNECTIONS = 30
START_TIMEOUT = 60  # seconds; crash recovery is part of a start


class Postgres:
    """Started when made. `folder` may lie on a file system of its own."""

    def __init__(self, folder: Path) -> None:
        self._cluster = Cluster.prepare(folder)
        (self.port,) = free_ports(1)
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://payments@{HOST}:{self.port}/postgres"

    def start(self) -> None:
        """Returns when connections are accepted, after crash recovery where that is needed."""
        (self._cluster.data / "postmaster.pid").unlink(missing_ok=True)  # of a killed one, whose id may be another program's by now
        settings = {"listen_addresses": HOST, "port": self.port, "unix_socket_directories": "", "max_connections": CONNECTIONS}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = self._cluster.data / "server.log"
        arguments = ["-w", "-t", str(START_TIMEOUT), "-s", "-D", str(self._cluster.data), "-l", str(log), "-o", options]
        self._cluster.run("pg_ctl", "start", *arguments)

    def make_standby(self, folder: Path) -> "Postgres":
        """A hot standby of this PostgreSQL. From then on a commit waits until the standby has it on its disk."""
        data = folder / "postgres"
        for each in (folder, data):
            self._cluster.account.make_private(each)
        self._cluster.run("pg_basebackup", "--write-recovery-conf", "--checkpoint", "fast", "--pgdata", str(data), "--dbname", self.url)
        standby = Postgres(folder)
        self.configure("synchronous_standby_names", "'*'")
        return standby

    def promote(self) -> None:
        """Makes a primary of a standby; returns when it takes writes."""
        self._cluster.run("pg_ctl", "promote", "-w", "-s", "-D", str(self._cluster.data))

    def stop(self, mode: str = "fast") -> None:
        self._cluster.run("pg_ctl", "stop", "-w", "-m", mode, "-s", "-D", str(self._cluster.data))

    @property
    def running(self) -> bool:
        return self._cluster.pid() is not None

    def processes(self) -> list[psutil.Process]:
        """The postmaster and what it has forked."""
        pid = self._cluster.pid()
        assert pid, "PostgreSQL does not run"
        postmaster = psutil.Process(pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def kill(self) -> None:
        """kill -9 of every process."""
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, 10)

    def wait(self, seconds: float = START_TIMEOUT) -> None:
        """Until connections are accepted and writes are possible."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with self.connected() as cursor:
                    cursor.execute("CREATE TEMPORARY TABLE written ()")
                return
            except psycopg2.Error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    @contextlib.contextmanager
    def connected(self, autocommit: bool = True) -> Iterator[Any]:
        """A cursor of a connection of its own, which the product's limits do not concern."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = autocommit
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connected() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def execute(self, *statements: str) -> None:
        with self.connected() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def configure(self, name: str, value: str | None) -> None:
        """For all sessions, those that are open too; None is the default again."""
        self.execute(f"ALTER SYSTEM SET {name} = {value}" if value else f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")

    def disconnect_clients(self) -> None:
        """Ends all client connections but the one that does it."""
        self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
