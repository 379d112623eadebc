"""pgbouncer in transaction mode between the service and its PostgreSQL, as RDS Proxy and other poolers stand there."""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
from psycopg2.extensions import parse_dsn

from local.stack import HOST, free_ports
from server._embedded_account import Account

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
START_TIMEOUT = 10.0  # seconds
# Nothing is ignored or relaxed for the service. Only server_login_retry is not the default, which keeps clients waiting for 15 s
# after one connection has failed.
_CONFIG = """[databases]
* = {database}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
server_login_retry = 0.2
logfile = {folder}/pgbouncer.log
"""


class Pooler:
    """Listens on one port of its own; its clients' transactions share `pool` connections, fewer than the service opens."""

    def __init__(self, folder: Path, database_url: str, pool: int = 4) -> None:
        """Raises FileNotFoundError where pgbouncer is not installed."""
        if PROGRAM is None:
            raise FileNotFoundError("pgbouncer is not installed: apt-get install pgbouncer")
        (self.port,) = free_ports(1)
        account = Account.choose()
        folder = folder / "pgbouncer"
        account.make_private(folder)
        config = folder / "pgbouncer.ini"
        database = " ".join(f"{name}={value}" for name, value in parse_dsn(database_url).items() if name in ("host", "port", "user"))
        config.write_text(_CONFIG.format(database=database, host=HOST, port=self.port, pool=pool, folder=folder))
        config.chmod(0o644)
        self.pool = pool
        self.url = f"postgresql://payments@{HOST}:{self.port}/{parse_dsn(database_url)['dbname']}"
        self._command = [PROGRAM, "-q", *(["-u", account.name] if account.name else []), str(config)]
        self.start()

    def start(self) -> None:
        """Returns when it has a connection to PostgreSQL."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                psycopg2.connect(self.url).close()
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop(signal.SIGKILL)
                    raise
                time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM is pgbouncer's immediate shutdown, SIGINT lets transactions end first."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait(START_TIMEOUT)


@contextlib.contextmanager
def pooled(folder: Path, database_url: str) -> Iterator[Pooler]:
    """Runs for as long as the context lasts."""
    started = Pooler(folder, database_url)
    try:
        yield started
    finally:
        started.stop()
