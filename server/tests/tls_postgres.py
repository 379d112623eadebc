"""A PostgreSQL with TLS, which the embedded one was built without: the system's, with a certificate of the test's authority."""

import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from process.tests.authority import Authority
from server._embedded_account import Account
from server._embedded_cluster import Cluster
from server.tests.conftest import run

PASSWORD = "s3cret-of-payments"


@dataclass(frozen=True)
class TlsPostgres:
    """Listens on 127.0.0.1, with TLS only; the role `payments` has a password, `payments_iam` is asked for by LDAP."""

    port: int
    owner_url: str  # by a Unix socket, without a password
    authority: Authority

    def url(self, host: str, *parameters: str, user: str = f"payments:{PASSWORD}", ca: Path | None = None) -> str:
        """A URL that verifies the certificate, by `ca` or by the authority that has made it."""
        options = [f"sslrootcert={ca or self.authority.ca}", *parameters]
        if not any(option.startswith("sslmode") for option in options):
            options.append("sslmode=verify-full")
        return f"postgresql://{user}@{host}:{self.port}/postgres?{'&'.join(options)}"


def _binaries() -> Path:
    """Debian's place for them, and the one of PostgreSQL's own packages for Debian and Ubuntu."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        pytest.skip("the embedded PostgreSQL has no TLS, and there is no other: apt-get install postgresql")
    return found[-1]


@contextmanager
def tls_postgres(hosts: tuple[str, ...], ldap_port: int) -> Iterator[TlsPostgres]:
    """Started anew, with a certificate for `hosts`; who is `payments_iam` is asked at `ldap_port`."""
    binaries = _binaries()
    with tempfile.TemporaryDirectory(prefix="payments-", dir="/tmp") as name:
        folder = Path(name)
        account = Account.choose()
        account.let_through(folder)
        account.make_private(folder / "socket")
        account.make_private(folder / "data")
        cluster = Cluster(folder / "data", binaries, folder / "socket", account)
        cluster.run("initdb", "--username=payments", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D", str(cluster.data))
        authority = Authority(folder, "database")
        for source, target in zip(authority.issue("postgres", hosts), ("server.crt", "server.key"), strict=True):
            _give(account, cluster.data / target, source.read_bytes())
        lines = [
            "local all all trust",
            f"hostssl all payments_iam 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={ldap_port} ldapprefix=cn=",
            "hostssl all all 127.0.0.1/32 scram-sha-256",
        ]
        _give(account, cluster.data / "pg_hba.conf", "\n".join([*lines, ""]).encode())
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": cluster.sockets, "ssl": "on", "fsync": "off"}
        _start(cluster, [f"-c {setting}={value}" for setting, value in settings.items()])
        try:
            owner_url = f"postgresql://payments@/postgres?host={cluster.sockets}&port={port}"
            run(owner_url, f"ALTER ROLE payments PASSWORD '{PASSWORD}'; CREATE ROLE payments_iam LOGIN")
            yield TlsPostgres(port, owner_url, authority)
        finally:
            cluster.stop()


def _give(account: Account, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    if account.name:
        shutil.chown(path, account.name, account.name)


def _start(cluster: Cluster, settings: Sequence[str]) -> None:
    log = cluster.data / "server.log"
    cluster.run("pg_ctl", "start", "-w", "-s", "-D", str(cluster.data), "-l", str(log), "-o", " ".join(settings))
